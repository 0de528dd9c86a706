#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(list)

namespace {

id_list newest_first(id_list ids) {
  std::ranges::sort(ids, std::greater{});
  return ids;
}

/// All pages from the first to the last.
std::vector<storage::job_page> pages(storage::store& s, const storage::job_filter& filter, int limit) {
  auto all = std::vector<storage::job_page>{};
  auto before = std::optional<job_id>{};
  do {
    all.push_back(must(s.list({filter, limit, before})));
    before = all.back().next;
  } while (before && all.size() < 100);
  return all;
}

id_list found(storage::store& s, const storage::job_filter& filter) {
  auto ids = id_list{};
  for (const auto& page : pages(s, filter, 2))
    for (const auto& j : page.jobs)
      ids.push_back(j.id);
  return ids;
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(no_jobs_are_one_empty_page, backend, backends) {
  const auto b = backend{};
  const auto page = must(b.open()->list({}));
  BOOST_TEST(page.jobs.empty());
  BOOST_TEST(!page.next.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pages_go_from_the_newest_to_the_oldest, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = create_many(*s, 7);
  const auto all = pages(*s, {}, 3);
  BOOST_REQUIRE_EQUAL(all.size(), 3u);
  BOOST_TEST(ids_of(all[0].jobs) == (id_list{ids[6], ids[5], ids[4]}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(all[1].jobs) == (id_list{ids[3], ids[2], ids[1]}), boost::test_tools::per_element());
  BOOST_TEST(ids_of(all[2].jobs) == (id_list{ids[0]}), boost::test_tools::per_element());
  BOOST_TEST(!all[2].next.has_value());
  // A full page that is the last one knows it.
  BOOST_TEST(!must(s->list({{}, 7, {}})).next.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(page_holds_whole_jobs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(-7, "mail", 2, "fast");
  spec.payload = R"({"a": 1})";
  spec.expires_in = 100s;
  spec.object_limit = 1;
  const auto id = create(*s, spec).id;
  const auto page = must(s->list({}));
  BOOST_REQUIRE_EQUAL(page.jobs.size(), 1u);
  const auto& j = page.jobs[0];
  BOOST_TEST(j.id == id);
  BOOST_TEST(j.object_id == -7);
  BOOST_TEST(j.type == "mail");
  BOOST_TEST(j.queue == "fast");
  BOOST_TEST(j.priority == 2);
  BOOST_TEST(j.payload.value() == R"({"a": 1})");
  BOOST_TEST(j.object_limit == 1);
  BOOST_TEST((j.expires_at.value() - j.created_at == 100s));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(jobs_made_meanwhile_do_not_move_the_pages, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto ids = create_many(*s, 4);
  const auto first = must(s->list({{}, 2, {}}));
  create_many(*s, 3);
  const auto second = must(s->list({{}, 2, first.next}));
  BOOST_TEST(ids_of(second.jobs) == (id_list{ids[1], ids[0]}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_filter_finds_its_jobs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto made = create(*s, {spec_of(1), spec_of(1, "mail"), spec_of(2, "mail"),
                                spec_of(1, "x", 5, "slow"), spec_of(5), spec_of(6), spec_of(7), spec_of(8)});
  const auto id = [&](std::size_t i) { return made[i]->id; };
  claim(*s, hinted(node, {id(0), id(4), id(5)}));
  finish(*s, ended(node, {id(4), 1}, event::fail));
  finish(*s, ended(node, {id(5), 1}, event::succeed));
  must(s->cancel(id_list{id(6)}));

  using f = storage::job_filter;
  const auto same = [&](const f& filter, const id_list& ids) {
    BOOST_TEST(found(*s, filter) == newest_first(ids), boost::test_tools::per_element());
  };
  same(f{.status = job_status::created}, {id(1), id(2), id(3), id(7)});
  same(f{.status = job_status::running}, {id(0)});
  same(f{.status = job_status::failed}, {id(4)});
  same(f{.status = job_status::success}, {id(5)});
  same(f{.status = job_status::cancelled}, {id(6)});
  same(f{.type = "mail"}, {id(1), id(2)});
  same(f{.queue = "slow"}, {id(3)});
  same(f{.object_id = 1}, {id(0), id(1), id(3)});
  same(f{.object_id = 99}, {});
  same(f{.type = "mail", .object_id = 1}, {id(1)});
  same(f{.status = job_status::created, .queue = "default", .object_id = 1}, {id(1)});
  same(f{.status = job_status::failed, .object_id = 5}, {id(4)});
  same(f{.status = job_status::failed, .type = "mail"}, {});
  same(f{.status = job_status::cancelled, .queue = "default"}, {id(6)});
}

BOOST_AUTO_TEST_CASE_TEMPLATE(jobs_from_before_the_time_are_left_out, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = create_many(*s, 6);
  for (const auto i : {0u, 1u, 2u})
    b.age_job(ids[i], 1h);
  // Made by a transaction that took long: older than one with a smaller id.
  b.age_job(ids[4], 30s);
  const auto after = [&](auto ago) {
    return storage::job_filter{.created_after = read(*s, ids[5]).created_at - ago};
  };
  BOOST_TEST(found(*s, after(10min)) == (id_list{ids[5], ids[4], ids[3]}), boost::test_tools::per_element());
  BOOST_TEST(found(*s, after(0s)) == (id_list{ids[5], ids[3]}), boost::test_tools::per_element());
  BOOST_TEST(found(*s, after(2h)).size() == 6u);
  BOOST_TEST(found(*s, after(-1h)).empty());
  auto exactly = storage::job_filter{.object_id = 2, .created_after = read(*s, ids[2]).created_at};
  BOOST_TEST(found(*s, exactly) == (id_list{ids[2]}), boost::test_tools::per_element());
  exactly.created_after = *exactly.created_after + std::chrono::microseconds{1};
  BOOST_TEST(found(*s, exactly).empty());
  // The search ends where they begin.
  BOOST_TEST(!must(s->list({after(10min), 3, {}})).next.has_value());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(page_looks_through_a_bounded_number_of_jobs, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto first = create(*s, spec_of(1, "rare")).id;
  for (auto i = 0; i < 3; ++i)
    create_many(*s, 9'000);
  const auto last = create(*s, spec_of(2, "rare")).id;
  const auto all = pages(*s, {.type = "rare"}, 10);
  BOOST_TEST(ids_of(all.front().jobs) == (id_list{last}), boost::test_tools::per_element());
  BOOST_TEST(all.front().next.has_value());
  BOOST_TEST(all.size() > 1u);
  BOOST_TEST(all.size() < 10u);
  BOOST_TEST(found(*s, {.type = "rare"}) == (id_list{last, first}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_runs_is_on_the_first_page_however_old_it_is, backend, backends) {
  const auto b = backend{};
  const auto s = b.open({});
  const auto run = running_job(*s, new_node(*s));
  for (auto i = 0; i < 2; ++i)
    create_many(*s, 9'000);
  const auto page = must(s->list({{.status = job_status::running}, 10, {}}));
  BOOST_TEST(ids_of(page.jobs) == (id_list{run.id}), boost::test_tools::per_element());
  BOOST_TEST(!page.next.has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
