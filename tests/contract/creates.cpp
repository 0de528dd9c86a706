#include "tests/contract/stores.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <barrier>
#include <set>

namespace jobd::test {

BOOST_AUTO_TEST_SUITE(creates)

BOOST_AUTO_TEST_CASE_TEMPLATE(job_is_found_as_it_was_given, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(-7, "thumb.nail", 0, "fast");
  spec.payload = R"({"a": [1, "ü;@{}$\\ \""]})";
  spec.timeout = 1500ms;
  spec.max_attempts = 100;
  const auto made = create(*s, spec);
  BOOST_TEST(!made.duplicate);
  BOOST_TEST(!made.run_at.has_value());
  const auto j = read(*s, made.id);
  BOOST_TEST(j.object_id == -7);
  BOOST_TEST(j.type == "thumb.nail");
  BOOST_TEST(j.queue == "fast");
  BOOST_TEST(j.priority == 0);
  BOOST_TEST(j.payload.value() == spec.payload);
  BOOST_TEST(j.timeout.value().count() == 1.5);
  BOOST_TEST(j.max_attempts == 100);
  BOOST_CHECK(j.status == job_status::created);
  BOOST_TEST(j.ready);
  BOOST_TEST(j.attempt == 0);
  BOOST_TEST(!j.node.has_value());
  BOOST_TEST(!j.start_time.has_value());
  BOOST_TEST(!j.message.has_value());
  const auto age = std::chrono::system_clock::now() - j.created_at;
  BOOST_TEST((age < 1min && age > -1min));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(find_keeps_the_order_and_leaves_gaps, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto ids = create_many(*s, 2);
  const auto found = must(s->find(id_list{ids[1], 999'999, ids[0], ids[1]}));
  BOOST_REQUIRE_EQUAL(found.size(), 4u);
  BOOST_TEST(found[0].value().id == ids[1]);
  BOOST_TEST(!found[1].has_value());
  BOOST_TEST(found[2].value().id == ids[0]);
  BOOST_TEST(found[3].value().id == ids[1]);
  BOOST_TEST(must(s->find({})).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ids_follow_the_order_of_the_batch, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto specs = std::vector<job_spec>{};
  for (auto i = 500; i > 0; --i)
    specs.push_back(spec_of(i));
  const auto made = create(*s, specs);
  for (auto i = std::size_t{1}; i < made.size(); ++i)
    BOOST_REQUIRE_LT(must(made[i - 1]).id, must(made[i]).id);
  BOOST_TEST(read(*s, made[0]->id).object_id == 500);
  BOOST_TEST(read(*s, made[499]->id).object_id == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(same_key_within_the_window_gets_the_same_id, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto first = create(*s, spec_of(1));
  const auto again = create(*s, spec_of(1));
  BOOST_TEST(again.id == first.id);
  BOOST_TEST(again.duplicate);
  BOOST_TEST(create(*s, spec_of(2)).id != first.id);
  BOOST_TEST(create(*s, spec_of(1, "other")).id != first.id);
  BOOST_TEST(b.count("jobs") == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(key_stands_also_when_its_job_is_over, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto node = new_node(*s);
  const auto run = running_job(*s, node, 1);
  finish(*s, ended(node, run, event::succeed));
  BOOST_TEST(create(*s, spec_of(1)).id == run.id);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(key_is_free_once_its_window_is_over, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto first = create(*s, spec_of(1));
  b.expire_keys();
  const auto second = create(*s, spec_of(1));
  BOOST_TEST(second.id != first.id);
  BOOST_TEST(!second.duplicate);
  BOOST_TEST(create(*s, spec_of(1)).id == second.id);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(equal_keys_of_one_batch_get_one_job, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  const auto standing = create(*s, spec_of(9)).id;
  const auto made = create(*s, {spec_of(1), spec_of(2), spec_of(9), spec_of(1), spec_of(1), spec_of(9)});
  BOOST_TEST(made[3]->id == made[0]->id);
  BOOST_TEST(made[4]->id == made[0]->id);
  BOOST_TEST(made[2]->id == standing);
  BOOST_TEST(made[5]->id == standing);
  auto duplicates = std::vector<bool>{};
  for (const auto& m : made)
    duplicates.push_back(m->duplicate);
  BOOST_TEST((duplicates == std::vector{false, false, true, true, true, true}));
  BOOST_TEST(b.count("jobs") == 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(without_a_window_each_create_is_a_job, backend, backends) {
  const auto b = backend{};
  for (const auto window : {std::optional<seconds>{}, std::optional<seconds>{0s}}) {
    const auto s = b.open(window);
    const auto made = create(*s, {spec_of(1), spec_of(1), spec_of(1)});
    auto ids = std::set<job_id>{};
    for (const auto& m : made) {
      ids.insert(m->id);
      BOOST_TEST(!m->duplicate);
    }
    BOOST_TEST(ids.size() == 3u);
  }
  BOOST_TEST(b.count("job_dedupe") == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(racing_creates_agree_on_one_id, backend, backends) {
  constexpr auto rounds = 200;
  const auto b = backend{};
  // Every second key has stood before and has expired.
  const auto old = create_many(*b.open(), rounds / 2);
  b.expire_keys();
  auto together = std::barrier{2};
  created_job made[2][rounds];
  race(b, [&](storage::store& s, int who) {
    for (auto i = 0; i < rounds; ++i) {
      together.arrive_and_wait();
      made[who][i] = s.flush({{}, {}, {spec_of(i)}}).value().creates.at(0).value();
    }
  });
  for (auto i = 0; i < rounds; ++i) {
    BOOST_REQUIRE_EQUAL(made[0][i].id, made[1][i].id);
    BOOST_REQUIRE_NE(made[0][i].duplicate, made[1][i].duplicate);
  }
  BOOST_TEST(b.count("jobs") == rounds + rounds / 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(batches_with_keys_in_crossed_order_all_succeed, backend, backends) {
  const auto b = backend{};
  auto together = std::barrier{2};
  race(b, [&](storage::store& s, int who) {
    for (auto round = 0; round < 30; ++round) {
      auto specs = std::vector<job_spec>{};
      for (auto i = 0; i < 50; ++i)
        specs.push_back(spec_of(round * 50 + i));
      if (who == 0)
        std::ranges::reverse(specs);
      together.arrive_and_wait();
      (void)s.flush({{}, {}, specs}).value();
    }
  });
  BOOST_TEST(b.count("jobs") == 30 * 50);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(delayed_job_is_not_ready, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(1);
  spec.delay = 100s;
  const auto made = create(*s, spec);
  BOOST_REQUIRE(made.run_at.has_value());
  const auto j = read(*s, made.id);
  BOOST_TEST(!j.ready);
  BOOST_TEST((j.run_at == made.run_at));
  BOOST_TEST((*j.run_at - j.created_at == 100s));
  const auto again = create(*s, spec_of(1));
  BOOST_TEST(again.id == made.id);
  BOOST_TEST((again.run_at == made.run_at));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_for_a_later_time_keeps_that_time, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto spec = spec_of(1);
  spec.run_at = parse_rfc3339("2999-12-31T23:59:59.123456Z").value();
  const auto made = create(*s, spec);
  BOOST_TEST((made.run_at == spec.run_at));
  BOOST_TEST((read(*s, made.id).run_at == spec.run_at));
  BOOST_TEST(!read(*s, made.id).ready);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_is_due_already_is_ready_at_once, backend, backends) {
  const auto b = backend{};
  const auto s = b.open();
  auto past = spec_of(1);
  past.run_at = parse_rfc3339("1999-12-31T23:59:59Z").value();
  auto now = spec_of(2);
  now.delay = 0s;
  for (const auto& made : create(*s, {past, now})) {
    BOOST_TEST(!must(made).run_at.has_value());
    BOOST_TEST(read(*s, made->id).ready);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(job_that_cannot_be_stored_fails_alone, backend, backends) {
  for (const auto window : {std::optional<seconds>{300s}, std::optional<seconds>{}}) {
    const auto b = backend{};
    const auto s = b.open(window);
    auto specs = std::vector<job_spec>{};
    for (auto i = 0; i < 21; ++i)
      specs.push_back(spec_of(i));
    specs[3].payload = R"({"a":"\u0000"})";
    specs[4].payload = "{not json}\nat all";
    specs[11].priority = 77;
    specs[20].type = "bad\xff";
    const auto made = create(*s, specs);
    BOOST_REQUIRE_EQUAL(made.size(), 21u);
    for (auto i = std::size_t{0}; i < made.size(); ++i)
      if (i != 3 && i != 4 && i != 11 && i != 20)
        BOOST_TEST(read(*s, must(made[i]).id).object_id == static_cast<std::int64_t>(i));
    for (const auto& [place, cause] :
         {std::pair{3, "payload"}, {4, "payload"}, {11, "priority"}, {20, "type"}}) {
      const auto& refused = made[static_cast<std::size_t>(place)];
      BOOST_REQUIRE(!refused.has_value());
      BOOST_CHECK(refused.error().code == ec::invalid);
      BOOST_TEST(refused.error().context.starts_with(cause), refused.error().context);
      BOOST_TEST(refused.error().context.find('\n') == std::string::npos);
    }
    BOOST_TEST(b.count("jobs") == 17);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
