#include "actors/node.hpp"

#include "actors/rescuer.hpp"
#include "tests/actors/fakes.hpp"
#include "tests/actors/fixture.hpp"

namespace jobd::actors {
namespace {

/// What the store tells a node.
struct fake_nodes {
  bool away = false;
  int connects = 0;
  int beats = 0;
  node_id next = 1;
  std::vector<node_id> registered;
  std::vector<node_id> left;
  storage::beat_report report{true, {}, {}, {}, {}};
};

class fake_store : public storage::store {
public:
  explicit fake_store(fake_nodes* nodes) : nodes_(nodes) {}

  expected<void> connect() override {
    ++nodes_->connects;
    return check();
  }
  expected<node_id> register_node(const storage::node_info&) override {
    return check().map([this] {
      nodes_->registered.push_back(nodes_->next);
      return nodes_->next++;
    });
  }
  expected<storage::beat_report> beat(node_id, const std::string&) override {
    ++nodes_->beats;
    return check().map([this] { return nodes_->report; });
  }
  expected<void> unregister_node(node_id node) override {
    nodes_->left.push_back(node);
    return check();
  }

  // A node asks for nothing else.
  expected<storage::batch_result> flush(const storage::batch&) override { return fail(ec::internal); }
  expected<found_jobs> find(std::span<const job_id>) override { return fail(ec::internal); }
  expected<std::vector<created_job>> submit(const storage::submission&) override {
    return fail(ec::internal);
  }
  expected<storage::job_page> list(const storage::page_request&) override { return fail(ec::internal); }
  expected<job_changes> cancel(std::span<const job_id>) override { return fail(ec::internal); }
  expected<job_changes> rerun(std::span<const job_id>) override { return fail(ec::internal); }
  expected<storage::expiry> expire(int) override { return fail(ec::internal); }
  expected<attempt_records> history(job_id) override { return fail(ec::internal); }
  expected<storage::explanation> explain(job_id) override { return fail(ec::internal); }
  expected<queue_infos> queues() override { return fail(ec::internal); }
  expected<storage::queue_info> pause(const std::string&, bool) override { return fail(ec::internal); }
  expected<worker_infos> workers() override { return fail(ec::internal); }
  expected<all_stats> stats() override { return fail(ec::internal); }
  expected<job_changes> rescue(const lease::suspect&) override { return fail(ec::internal); }
  expected<bool> host_is_alive(const std::string&) override { return fail(ec::internal); }
  expected<storage::queue_heads> heads(int) override { return fail(ec::internal); }
  expected<hints> ready_jobs(const storage::ready_query&) override { return fail(ec::internal); }
  expected<storage::promotion> promote(int) override { return fail(ec::internal); }
  expected<storage::prune_report> prune(storage::prune_cursor, seconds) override {
    return fail(ec::internal);
  }

private:
  expected<void> check() {
    if (nodes_->away)
      return fail(ec::store_away);
    return {};
  }

  fake_nodes* nodes_;
};

struct pool_log {
  std::vector<node_id> joined;
  std::vector<run_keys> beaten;
  std::vector<run_keys> cancelled;
  std::vector<queue_names> paused;
};

worker_pool_actor::behavior_type fake_pool(worker_pool_actor::pointer, pool_log* log) {
  return {
      [log](atom::joined, node_id id, steady_time) { log->joined.push_back(id); },
      [log](atom::beaten, const run_keys& running, const run_keys& cancelled, steady_time) {
        log->beaten.push_back(running);
        log->cancelled.push_back(cancelled);
      },
      [log](atom::pause, const queue_names& paused) { log->paused.push_back(paused); },
      [](atom::cancel, const run_keys&) {},
      [](atom::told) {},
      [](atom::wake) {},
      [](atom::look) {},
      [](atom::stop) -> caf::result<int> { return 0; },
  };
}

struct node_fixture : actor_fixture {
  fake_nodes nodes;
  pool_log pool;
  neighbours around;
  node_actor node_under_test;

  void spawn_node() {
    const auto judge = keep(sys.spawn(rescuer, keep(sys.spawn(neighbour_storage, &around)),
                                      keep(sys.spawn(neighbour_queue, &around))));
    node_under_test =
        keep(sys.spawn(node, node_options{[this] { return std::make_unique<fake_store>(&nodes); },
                                          {"host", 1, "0", 4},
                                          keep(sys.spawn(fake_pool, &pool)),
                                          judge}));
    run();
  }
  ~node_fixture() {
    node_under_test = nullptr;
    end_actors();
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(node_suite, node_fixture)

BOOST_AUTO_TEST_CASE(it_registers_and_then_beats_every_two_seconds) {
  spawn_node();
  BOOST_REQUIRE(pool.joined.size() == 1u);
  advance(10'100ms);
  BOOST_TEST(nodes.beats == 5);
  BOOST_TEST(pool.beaten.size() == 5u);
  BOOST_TEST(nodes.registered.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_beat_tells_the_pool_what_runs_here_and_what_of_it_is_to_end) {
  nodes.report.running = {{7, 1}, {8, 2}};
  nodes.report.cancelled = {{8, 2}};
  spawn_node();
  advance(2'100ms);
  BOOST_REQUIRE(pool.beaten.size() == 1u);
  BOOST_TEST((pool.beaten[0] == run_keys{{7, 1}, {8, 2}}));
  BOOST_TEST((pool.cancelled[0] == run_keys{{8, 2}}));
}

BOOST_AUTO_TEST_CASE(each_beat_tells_the_pool_which_queues_are_paused) {
  nodes.report.paused = {"mail"};
  spawn_node();
  advance(2'100ms);
  nodes.report.paused = {};
  advance(2s);
  BOOST_REQUIRE(pool.paused.size() == 2u);
  BOOST_TEST(pool.paused[0] == queue_names{"mail"}, boost::test_tools::per_element());
  BOOST_TEST(pool.paused[1].empty());
}

BOOST_AUTO_TEST_CASE(a_condemned_node_registers_anew_at_once) {
  spawn_node();
  nodes.report.known = false;
  advance(2'100ms);
  nodes.report.known = true;
  BOOST_REQUIRE(pool.joined.size() == 2u);
  BOOST_TEST(pool.joined[0] != pool.joined[1]);
}

BOOST_AUTO_TEST_CASE(reconnects_of_the_beat_back_off_to_one_second_at_most) {
  nodes.away = true;
  spawn_node();
  advance(10s);
  BOOST_TEST(nodes.connects >= 10);
  BOOST_TEST(nodes.connects <= 16);
  nodes.away = false;
  advance(1'100ms);
  BOOST_TEST(pool.joined.size() == 1u);
}

BOOST_AUTO_TEST_CASE(an_outage_does_not_change_its_id) {
  spawn_node();
  nodes.away = true;
  advance(30s);
  nodes.away = false;
  advance(3s);
  BOOST_TEST(nodes.registered.size() == 1u);
  BOOST_TEST(!pool.beaten.empty());
}

BOOST_AUTO_TEST_CASE(a_dead_node_is_rescued_within_ten_seconds_of_being_overdue_and_its_jobs_are_hinted) {
  nodes.report.overdue = {{9, timestamp{1s}}};
  around.rescue_gives = {{.id = 77, .type = "mail", .queue = "default"},
                         {.id = 78, .type = "mail", .queue = "default", .status = job_status::failed}};
  spawn_node();
  advance(2'100ms);
  BOOST_TEST(around.rescued.empty());
  advance(4s);
  BOOST_REQUIRE(around.rescued.size() == 1u);
  BOOST_TEST((around.rescued[0] == lease::suspect{9, timestamp{1s}}));
  BOOST_REQUIRE(around.pushed.size() == 1u);
  BOOST_TEST(around.pushed[0].id == 77);
  BOOST_REQUIRE(around.published.size() == 2u);
  BOOST_TEST((around.published[1].status == job_status::failed));
}

BOOST_AUTO_TEST_CASE(a_judge_that_was_cut_off_itself_condemns_nobody) {
  nodes.report.overdue = {{9, timestamp{1s}}};
  spawn_node();
  advance(2'100ms);
  nodes.away = true;
  advance(30s);
  nodes.away = false;
  advance(2s);
  BOOST_TEST(around.rescued.empty());
}

BOOST_AUTO_TEST_CASE(orphans_are_rescued_at_once) {
  nodes.report.orphaning = {5};
  spawn_node();
  advance(2'100ms);
  BOOST_REQUIRE(!around.rescued.empty());
  BOOST_TEST(around.rescued[0].node == 5);
}

BOOST_AUTO_TEST_CASE(leaving_takes_its_row_away_and_ends_the_beat) {
  spawn_node();
  self->send(node_under_test, atom::leave_v);
  run();
  BOOST_TEST(nodes.left == std::vector<node_id>{1});
  advance(10s);
  BOOST_TEST(nodes.beats == 0);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::actors
