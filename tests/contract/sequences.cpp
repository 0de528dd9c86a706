#include "tests/contract/reference.hpp"
#include "tests/contract/stores.hpp"
#include "tests/contract/told.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>
#include <random>

namespace jobd::test {

// Random sequences of calls, each answered by a store as by the reference. One that is not is made as short
// as it can be. `JOBD_SEED=N` begins with the sequence N, and `JOBD_SECONDS=N` goes on for so long.

BOOST_AUTO_TEST_SUITE(sequences)

namespace {

enum class call : std::uint8_t {
  create,
  claim_heads,
  claim_hinted,
  finish,
  progress,
  submit,
  cancel,
  rerun,
  expire,
  promote,
  prune,
  list,
  ready_jobs,
  pause,
  register_node,
  unregister_node,
  beat,
  look,
  rescue,
  die,
  age_job,
  age_all,
  age_beat,
  expire_keys,
  expire_idempotency,
};

/// How often each is drawn.
const auto weights = std::vector<std::pair<call, unsigned>>{
    {call::create, 20},
    {call::claim_heads, 9},
    {call::claim_hinted, 6},
    {call::finish, 18},
    {call::progress, 2},
    {call::submit, 4},
    {call::cancel, 6},
    {call::rerun, 6},
    {call::expire, 4},
    {call::promote, 5},
    {call::prune, 2},
    {call::list, 2},
    {call::ready_jobs, 1},
    {call::pause, 2},
    {call::register_node, 3},
    {call::unregister_node, 1},
    {call::beat, 3},
    {call::look, 2},
    {call::rescue, 3},
    {call::die, 8},
    {call::age_job, 3},
    {call::age_all, 5},
    {call::age_beat, 2},
    {call::expire_keys, 5},
    {call::expire_idempotency, 1},
};

/// One call. What it is about is drawn from what there is then, by `picks`: so it means something in any
/// sequence, and the less they are the plainer it is.
struct step {
  call what = call::create;
  std::array<unsigned, 3> picks{};
  /// It shares a flush with the next one, if both can.
  bool joined = false;
};

struct sequence {
  bool dedupe = false;
  std::vector<step> steps;
};

sequence draw(unsigned seed) {
  auto random = std::mt19937{seed};
  auto total = 0u;
  for (const auto& [what, weight] : weights)
    total += weight;
  auto s = sequence{random() % 3 == 0, std::vector<step>(10 + random() % 70)};
  for (auto& one : s.steps) {
    auto place = random() % total;
    for (const auto& [what, weight] : weights) {
      one.what = what;
      if (place < weight)
        break;
      place -= weight;
    }
    for (auto& p : one.picks)
      p = static_cast<unsigned>(random() % 1000);
    one.joined = random() % 4 == 0;
  }
  return s;
}

/// Its parts have no order.
expected<storage::beat_report> sorted(expected<storage::beat_report> r) {
  if (r) {
    std::ranges::sort(r->overdue, {}, &lease::suspect::node);
    std::ranges::sort(r->orphaning);
    std::ranges::sort(r->running);
    std::ranges::sort(r->cancelled);
    std::ranges::sort(r->paused);
  }
  return r;
}

expected<storage::promotion> sorted(expected<storage::promotion> p) {
  if (p)
    std::ranges::sort(p->hints, {}, &hint::id);
  return p;
}

expected<storage::expiry> sorted(expected<storage::expiry> e) {
  if (e)
    std::ranges::sort(e->expired, {}, &storage::job_change::id);
  return e;
}

constexpr auto later = 1000s;
constexpr auto age = 1500s;
/// Before this much time has passed, nothing has become due that should not.
constexpr auto patience = 4s;

const auto queue_names = std::vector<std::string>{"a", "b"};
const auto type_names = std::vector<std::string>{"x", "y"};

job_spec spec_by(const std::array<unsigned, 3>& picks, timestamp now) {
  auto spec = spec_of(std::max(picks[0] % 5, 2u) - 2, type_names[picks[0] / 3 % 4 == 3],
                      5 - static_cast<int>(picks[0] / 12 % 2), queue_names[picks[0] / 24 % 3 == 2]);
  spec.object_limit = static_cast<int>(picks[1] % 2);
  switch (picks[1] / 2 % 6) {
  case 1: spec.run_at = now + later; break;
  case 2: spec.delay = later; break;
  case 3: spec.run_at = now - later; break;
  default: break;
  }
  spec.max_attempts = 1 + static_cast<int>(picks[2] % 3);
  if (picks[2] / 3 % 4 == 3)
    spec.expires_in = later;
  spec.payload = R"({"n": )" + std::to_string(picks[2]) + '}';
  return spec;
}

/// What time does to the rows of a store.
struct rows {
  std::function<void(job_id)> age_job;
  std::function<void(node_id)> age_beat;
  std::function<void()> expire_keys;
  std::function<void()> expire_idempotency;
};

storage::job_filter filter_by(const std::array<unsigned, 3>& picks) {
  auto f = storage::job_filter{};
  if (picks[0] % 3 > 0)
    f.status = static_cast<job_status>(picks[0] / 3 % 5);
  if (picks[1] % 3 == 1)
    f.type = type_names[picks[1] / 3 % 2];
  if (picks[1] % 3 == 2)
    f.queue = queue_names[picks[1] / 3 % 2];
  if (picks[2] % 3 == 2)
    f.object_id = picks[2] / 3 % 3;
  return f;
}

/// One sequence on one store, and what came of it.
class run {
public:
  run(storage::store& s, const rows& of_store, reference::rules r)
      : store_(s), rows_(of_store), reference_(r), told_(r.now), now_(r.now) {
    enlist();
    enlist();
  }

  /// The first answer that is not the reference's, with all that led to it.
  std::optional<std::string> operator()(const std::vector<step>& steps) {
    for (const auto& s : steps) {
      make(s);
      if (!failure_.empty())
        break;
    }
    flush();
    compare_end();
    return failure_.empty() ? std::nullopt : std::optional{failure_};
  }

private:
  void make(const step& s);
  void make_flushed(const step& s);
  void make_in_time(const step& s);
  void flush();

  /// The answers to one call.
  template <class A, class B>
  void compare(const std::string& what, const A& of_store, const B& of_reference) {
    note(what, told_(of_store), told_(of_reference));
    compare_state();
  }
  void note(const std::string& what, const std::string& of_store = {}, const std::string& of_reference = {});
  void compare_state();
  void compare_end();
  void compare_list(const storage::job_filter& f, int limit);

  void enlist();
  void look();
  void rescue(node_id n);
  void submit(const step& s);
  void keep(const std::vector<created_job>& made);
  void age_job(job_id id);
  void age_beat(node_id n);

  template <class T>
  static T picked(const std::vector<T>& all, unsigned pick) {
    return all.empty() ? T{} : all[all.size() - 1 - pick % all.size()];
  }
  /// Mostly the newest, since others may have died.
  node_id node(unsigned pick) const {
    const auto back = std::max<std::size_t>(pick % 6, 3) - 3;
    return nodes_.at(nodes_.size() - 1 - std::min(back, nodes_.size() - 1));
  }
  id_list some_jobs(const step& s) const {
    auto ids = id_list{};
    for (auto i = 0u; i <= s.picks[2] % 3; ++i)
      ids.push_back(picked(jobs_, s.picks[0] + i * s.picks[1]));
    return ids;
  }
  storage::finish_request finish_by(const step& s);
  std::vector<std::string> some(const std::vector<std::string>& names, unsigned pick) const {
    return pick % 4 == 3 ? std::vector{names[pick / 4 % 2]} : names;
  }

  storage::store& store_;
  const rows& rows_;
  reference reference_;
  teller told_;
  timestamp now_;
  storage::batch pending_;
  id_list jobs_;
  std::vector<node_id> nodes_;
  std::vector<std::pair<node_id, run_key>> runs_;
  /// Each as the store told of it and as the reference did.
  std::map<node_id, std::pair<lease::suspect, lease::suspect>> suspects_;
  std::string transcript_;
  std::string failure_;
};

void run::note(const std::string& what, const std::string& of_store, const std::string& of_reference) {
  if (!failure_.empty())
    return;
  transcript_ += "  " + what + (of_reference.empty() ? "" : " -> " + of_reference) + '\n';
  if (of_store != of_reference)
    failure_ = transcript_ + "  but the store says " + of_store;
}

/// Of all jobs that ever were; only what differs is told.
void run::compare_state() {
  const auto found = store_.find(jobs_);
  const auto wanted = reference_.find(jobs_);
  for (auto i = std::size_t{0}; failure_.empty() && i < jobs_.size(); ++i) {
    const auto is = !found ? to_string(found.error()) : found->at(i) ? told_(*found->at(i)) : "gone";
    const auto should = wanted[i] ? told_(*wanted[i]) : "gone";
    if (is != should)
      note(teller::text("find ", jobs_[i]), is, should);
  }
}

/// What would take long after each call.
void run::compare_end() {
  const auto counts = told_(store_.stats());
  if (const auto wanted = told_(reference_.stats()); counts != wanted)
    note("stats", counts, wanted);
  for (const auto id : jobs_) {
    auto lines = [&](auto history) {
      // Which of an attempt's records is told first is the store's affair.
      if (history)
        std::ranges::sort(*history, {}, [](const auto& a) {
          return std::pair{a.attempt, a.outcome == "refused"};
        });
      return told_(history);
    };
    const auto is = lines(store_.history(id));
    const auto should = lines(reference_.history(id));
    if (is != should)
      note(teller::text("history ", id), is, should);
  }
}

void run::compare_list(const storage::job_filter& f, int limit) {
  auto found = id_list{};
  auto q = storage::page_request{f, limit, std::nullopt};
  auto pages = std::size_t{0};
  do {
    const auto page = store_.list(q);
    if (!page)
      return note("list", to_string(page.error()), "a page");
    for (const auto& j : page->jobs)
      found.push_back(j.id);
    q.before = page->next;
  } while (q.before && ++pages <= jobs_.size());
  note(teller::text("list by ", limit), told_(found), told_(reference_.list(f)));
}

// ---------------------------------------------------------------- flush

storage::finish_request run::finish_by(const step& s) {
  constexpr auto ends = std::array{event::succeed, event::retry, event::release, event::fail, event::cancel};
  const auto what = ends[s.picks[1] % ends.size()];
  auto [by, key] = picked(runs_, s.picks[0] % 6);
  // Mostly of the run itself.
  if (s.picks[2] % 16 == 15)
    by = node(s.picks[1]);
  if (s.picks[2] % 16 == 14)
    ++key.attempt;
  auto f = ended(by, key, what, what == event::succeed ? teller::text('"', s.picks[2], '"') : "",
                 s.picks[2] % 3 == 2 ? "" : teller::text("why ", s.picks[2]));
  if (what == event::retry)
    f.what.retry_in = later;
  return f;
}

void run::make_flushed(const step& s) {
  auto& b = pending_;
  if (s.what == call::create)
    b.creates.push_back(spec_by(s.picks, now_));
  else if (s.what == call::finish || s.what == call::progress) {
    if (runs_.empty())
      return;
    const auto f = finish_by(s);
    // Which of two ends of one job is the first in a flush is the store's affair.
    if (std::ranges::any_of(b.finishes, [&](const auto& other) { return other.run.id == f.run.id; }))
      flush();
    if (s.what == call::finish)
      b.finishes.push_back(f);
    else
      b.progresses.push_back({f.node, f.run, teller::text(R"({"n": )", s.picks[2], '}')});
  } else {
    // So it is with two claims.
    if (!b.claims.empty())
      flush();
    constexpr auto limits = std::array{100, 1, 2};
    auto c = storage::claim_request{
        node(s.picks[0]), {}, {}, some(type_names, s.picks[1]), limits[s.picks[2] % 3]};
    if (s.what == call::claim_heads)
      c.queues = some(queue_names, s.picks[1] / 16);
    else if (jobs_.empty())
      return;
    else
      c.ids = some_jobs(s);
    b.claims.push_back(std::move(c));
  }
  if (!s.joined)
    flush();
}

void run::flush() {
  if (pending_.size() == 0 || !failure_.empty())
    return;
  const auto b = std::exchange(pending_, {});
  auto answer = store_.flush(b);
  auto fresh = std::vector<created_job>{};
  auto ids = id_list{};
  for (auto i = std::size_t{0}; answer && i < answer->creates.size(); ++i) {
    fresh.push_back(answer->creates[i].value_or(created_job{}));
    ids.push_back(fresh.back().id);
  }
  const auto by_id = [](storage::batch_result r) {
    std::ranges::sort(r.unblocked, {}, &hint::id);
    return r;
  };
  const auto wanted = by_id(reference_.flush(b, ids));
  keep(fresh);
  if (!wanted.claims.empty())
    for (const auto& j : wanted.claims[0])
      runs_.emplace_back(b.claims[0].node, run_key{j.id, j.attempt});
  compare(told_(b), answer.map(by_id), wanted);
}

void run::keep(const std::vector<created_job>& made) {
  for (const auto& c : made)
    if (std::ranges::find(jobs_, c.id) == jobs_.end())
      jobs_.push_back(c.id);
}

void run::submit(const step& s) {
  auto what = storage::submission{};
  for (auto i = 0u; i <= s.picks[2] % 3; ++i)
    what.jobs.push_back(spec_by({s.picks[0] + i, s.picks[1], s.picks[2]}, now_));
  if (s.picks[1] % 3 > 0)
    what.key = teller::text("key ", s.picks[0] % 2);
  what.fingerprint = teller::text(s.picks[1] % 3);
  const auto answer = store_.submit(what);
  keep(answer.value_or(std::vector<created_job>{}));
  const auto wanted = reference_.submit(what, answer ? ids_of(*answer) : id_list{});
  compare(teller::text("submit ", what.key.value_or("without key"), " of ", what.fingerprint, ' ',
                       told_(what.jobs)),
          answer, wanted);
}

// ---------------------------------------------------------------- nodes

void run::enlist() {
  const auto info = storage::node_info{"here", 42, "1.0", 8, queue_names, type_names};
  nodes_.push_back(must(store_.register_node(info)));
  reference_.register_node(nodes_.back(), info);
  note(teller::text("register node ", nodes_.back()));
}

/// By the first node, which never dies.
void run::look() {
  const auto is = sorted(store_.beat(nodes_[0]));
  const auto should = reference_.beat(nodes_[0]);
  if (is && is->overdue.size() == should.overdue.size())
    for (auto i = std::size_t{0}; i < should.overdue.size(); ++i)
      suspects_[should.overdue[i].node] = {is->overdue[i], should.overdue[i]};
  compare(teller::text("beat ", nodes_[0]), is, should);
}

void run::rescue(node_id n) {
  const auto never_seen = lease::suspect{n, timestamp{}};
  const auto& [of_store, of_reference] =
      suspects_.try_emplace(n, std::pair{never_seen, never_seen}).first->second;
  compare(teller::text("rescue ", n), store_.rescue(of_store), reference_.rescue(of_reference));
}

void run::age_job(job_id id) {
  rows_.age_job(id);
  reference_.age_job(id, age);
  note(teller::text("age job ", id));
}

void run::age_beat(node_id n) {
  if (n == nodes_[0])
    return;
  rows_.age_beat(n);
  reference_.age_beat(n, age);
  note(teller::text("age beat ", n));
}

// ---------------------------------------------------------------- all calls

void run::make(const step& s) {
  if (s.what == call::create || s.what == call::claim_heads || s.what == call::claim_hinted
      || s.what == call::finish || s.what == call::progress)
    return make_flushed(s);
  flush();
  const auto n = node(s.picks[0]);
  const auto& queue = queue_names[s.picks[0] % 2];
  switch (s.what) {
  case call::submit: return submit(s);
  case call::cancel:
    return compare("cancel " + told_(some_jobs(s)), store_.cancel(some_jobs(s)),
                   reference_.cancel(some_jobs(s)));
  case call::rerun:
    return compare("rerun " + told_(some_jobs(s)), store_.rerun(some_jobs(s)),
                   reference_.rerun(some_jobs(s)));
  case call::list: return compare_list(filter_by(s.picks), 1 + static_cast<int>(s.picks[2] % 3));
  case call::ready_jobs: {
    const auto q =
        storage::ready_query{queue_names, some(type_names, s.picks[0]), 1 + static_cast<int>(s.picks[1] % 3)};
    return compare(teller::text("ready_jobs ", q.limit), store_.ready_jobs(q), reference_.ready_jobs(q));
  }
  case call::pause: {
    const auto paused = s.picks[1] % 2 == 0;
    return compare((paused ? "pause " : "resume ") + queue, store_.pause(queue, paused),
                   reference_.pause(queue, paused));
  }
  case call::register_node: return enlist();
  case call::unregister_node:
    if (n == nodes_[0])
      return;
    must(store_.unregister_node(n));
    reference_.unregister_node(n);
    return note(teller::text("unregister node ", n));
  case call::beat: return compare(teller::text("beat ", n), sorted(store_.beat(n)), reference_.beat(n));
  case call::look: return look();
  case call::rescue: return rescue(n);
  default: return make_in_time(s);
  }
}

void run::make_in_time(const step& s) {
  const auto n = node(s.picks[0]);
  switch (s.what) {
  case call::expire: return compare("expire", sorted(store_.expire(100)), reference_.expire());
  case call::promote: return compare("promote", sorted(store_.promote(100)), reference_.promote());
  case call::prune: return compare("prune", store_.prune({}, later), reference_.prune(later));
  case call::age_job: return jobs_.empty() ? void() : age_job(picked(jobs_, s.picks[0]));
  case call::age_all:
    for (const auto id : jobs_)
      age_job(id);
    return;
  case call::age_beat: return age_beat(n);
  case call::die:
    if (s.picks[1] % 2 == 1)
      make_flushed({call::claim_heads, {s.picks[0], 0, 0}, false});
    age_beat(n);
    look();
    rescue(n);
    return enlist();
  case call::expire_keys:
    rows_.expire_keys();
    reference_.expire_keys();
    return note("expire keys");
  case call::expire_idempotency:
    rows_.expire_idempotency();
    reference_.expire_idempotency();
    return note("expire idempotency keys");
  default: return;
  }
}

// ---------------------------------------------------------------- stores under test

/// The reference is of another opinion about the window than the store: a fault that is known.
struct wrong_window {
  bool is = false;
};

/// The two stores of a database, which is emptied before each sequence.
template <class Backend>
class stand {
public:
  stand() = default;
  explicit stand(wrong_window w) : wrong_window_(w) {}

  std::optional<std::string> operator()(const sequence& s) {
    auto& store = *stores_[s.dedupe];
    empty();
    const auto began = std::chrono::steady_clock::now();
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    auto found = run{store, rows_, {now, s.dedupe != wrong_window_.is, claim_steps}}(s.steps);
    // What failed may have closed it.
    if (found)
      must(store.connect());
    // A machine that stood still proves nothing.
    return std::chrono::steady_clock::now() - began < patience ? found : std::nullopt;
  }

private:
  static constexpr auto is_postgres = std::is_same_v<Backend, postgres_backend>;
  static constexpr auto claim_steps = is_postgres ? 1 : 8;

  void empty() {
    backend_.sql(std::string{"delete from jobs; delete from job_attempts; delete from job_dedupe; "
                             "delete from job_idempotency; delete from nodes; delete from queues; "
                             "delete from job_counts"}
                 + (is_postgres ? "; delete from job_count_deltas" : ""));
  }

  Backend backend_;
  wrong_window wrong_window_;
  std::array<store_ptr, 2> stores_{backend_.open(std::nullopt), backend_.open()};
  rows rows_{[this](job_id id) { backend_.age_job(id, age); },
             [this](node_id n) { backend_.age_beat(n, age); }, [this] { backend_.expire_keys(age); },
             [this] { backend_.expire_idempotency(); }};
};

// ---------------------------------------------------------------- shrinking

/// What is left if nothing more can be taken away, or made less, without its coming out right.
template <class Fails>
sequence shrunk(sequence s, Fails fails) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  const auto better = [&](const sequence& candidate) {
    if (std::chrono::steady_clock::now() > end || !fails(candidate))
      return false;
    s = candidate;
    return true;
  };
  for (auto again = true; again;) {
    again = false;
    for (auto chunk = std::max<std::size_t>(s.steps.size() / 2, 1); chunk > 0; chunk /= 2)
      for (auto at = std::size_t{0}; at + chunk <= s.steps.size();) {
        auto candidate = s;
        const auto first = candidate.steps.begin() + static_cast<std::ptrdiff_t>(at);
        candidate.steps.erase(first, first + static_cast<std::ptrdiff_t>(chunk));
        if (better(candidate))
          again = true;
        else
          at += chunk;
      }
    for (auto at = std::size_t{0}; at < s.steps.size(); ++at) {
      auto candidate = s;
      candidate.steps[at].joined = false;
      again |= s.steps[at].joined && better(candidate);
      for (auto p = std::size_t{0}; p < 3; ++p)
        for (const auto less : {0u, s.steps[at].picks[p] / 2, s.steps[at].picks[p] - 1}) {
          candidate = s;
          candidate.steps[at].picks[p] = less;
          again |= less < s.steps[at].picks[p] && better(candidate);
        }
    }
  }
  return s;
}

unsigned number_from(const char* name, unsigned otherwise) {
  const auto* value = std::getenv(name);
  return value ? static_cast<unsigned>(std::stoul(value)) : otherwise;
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(each_is_answered_as_by_the_reference, backend, backends) {
  auto fails = stand<backend>{};
  auto seed = number_from("JOBD_SEED", 1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{number_from("JOBD_SECONDS", 4)};
  auto made = 0;
  do {
    const auto s = draw(seed);
    if (const auto failure = fails(s))
      BOOST_FAIL("JOBD_SEED=" << seed << ", of " << s.steps.size() << " steps:\n"
                              << fails(shrunk(s, std::ref(fails))).value_or(*failure));
    ++seed;
    ++made;
  } while (std::chrono::steady_clock::now() < end);
  BOOST_TEST_MESSAGE(made << " sequences");
}

BOOST_AUTO_TEST_CASE(one_that_fails_is_made_as_short_as_it_can_be) {
  auto fails = stand<sqlite_backend>{wrong_window{true}};
  auto s = draw(1);
  for (auto seed = 2u; !fails(s); ++seed)
    s = draw(seed);
  BOOST_TEST(s.steps.size() >= 10u);
  const auto least = shrunk(s, std::ref(fails));
  // It takes two jobs of one object, which may be submitted together.
  BOOST_TEST(least.steps.size() <= 2u);
  for (const auto& one : least.steps)
    BOOST_CHECK(one.what == call::create || one.what == call::submit);
  BOOST_TEST(fails(least).value().find("duplicate") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace jobd::test
