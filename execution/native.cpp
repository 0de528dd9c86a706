#include "execution/native.hpp"

#include "execution/command_output.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace jobd::execution {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Added to each grace, since a function that stops at once needs a moment too. The promise is one second.
constexpr auto patience = 500ms;
/// Most functions that are over soon are over by then. Until then a job waits for a thread that is awake: to
/// wake one for each costs more than such a function.
constexpr auto moment = 1ms;
/// How long the destructor waits for functions that were asked to stop.
constexpr auto closing_time = 1s;

struct native_run {
  native_run(const claimed_job& j, std::shared_ptr<const native_function> f, executor::callbacks t)
      : job(j), function(std::move(f)), tell(std::move(t)) {}

  claimed_job job;
  std::shared_ptr<const native_function> function;
  executor::callbacks tell;
  std::stop_source source{};
  /// Held while something is told, so that nothing is told once the run is over.
  std::mutex telling{};
  bool over = false;
  /// When it is given up; set once it was asked to stop.
  std::optional<clock::time_point> deadline{};
  std::chrono::milliseconds grace{};
};

using run_ptr = std::shared_ptr<native_run>;

void tell_progress(native_run& run, std::string progress) {
  const std::lock_guard lock(run.telling);
  if (!run.over && run.tell.progress)
    run.tell.progress(std::move(progress));
}

void tell_done(native_run& run, outcome o) {
  {
    const std::lock_guard lock(run.telling);
    run.over = true;
  }
  run.tell.done(std::move(o));
}

outcome call(native_run& run) {
  try {
    run_context context(run.source.get_token(),
                        [&run](std::string progress) { tell_progress(run, std::move(progress)); });
    return storable((*run.function)(run.job, context));
  } catch (const std::exception& e) {
    return storable(outcome::failed(e.what()));
  } catch (...) {
    return outcome::failed("threw something that is no std::exception");
  }
}

} // namespace

run_context::run_context(std::stop_token stop, std::function<void(std::string)> tell)
    : stop_(std::move(stop)), tell_(std::move(tell)) {}

void run_context::progress(double percent) {
  const std::lock_guard lock(guard_);
  state_.percent(percent);
  tell_all();
}

void run_context::progress(double percent, std::string_view message) {
  const std::lock_guard lock(guard_);
  state_.percent(percent);
  state_.message(message);
  tell_all();
}

void run_context::log(std::string_view line) {
  const std::lock_guard lock(guard_);
  state_.log(line);
  tell_all();
}

void run_context::tell_all() {
  if (tell_)
    tell_(state_.json());
}

class native_executor::pool : public std::enable_shared_from_this<pool> {
public:
  void start(ticket t, const run_ptr& run);
  void stop(ticket t, std::chrono::milliseconds grace);
  void close();

private:
  using lock = std::unique_lock<std::mutex>;

  struct worker {
    std::thread thread;
    bool ended = false;
  };

  /// Gives a new thread its duty; false if the system has no thread left.
  bool add_thread(void (pool::*duty)());
  void serve();
  void spread();
  void wake_keeper();
  void keep_time();
  void finish(lock& l, ticket t, outcome o);

  std::mutex guard_;
  std::condition_variable work_;
  std::condition_variable time_;
  std::condition_variable ended_;
  std::map<ticket, run_ptr> runs_;
  std::deque<std::pair<ticket, run_ptr>> queue_;
  std::vector<std::shared_ptr<worker>> threads_;
  /// Threads without a job, those included that are only just started.
  std::size_t idle_ = 0;
  std::uint64_t taken_ = 0;
  /// At the last spread, and how many threads that one woke.
  std::uint64_t taken_before_ = 0;
  std::uint64_t woken_ = 1;
  /// When jobs that still wait are given further threads; set while there may be any.
  std::optional<clock::time_point> spread_at_;
  bool keeps_time_ = false;
  bool closing_ = false;
};

void native_executor::pool::start(ticket t, const run_ptr& run) {
  lock l(guard_);
  if (idle_ == 0 && !add_thread(&pool::serve)) {
    l.unlock();
    return tell_done(*run, outcome::failed("could not start a thread for the job"));
  }
  runs_.emplace(t, run);
  queue_.emplace_back(t, run);
  const auto is_first = queue_.size() == 1;
  if (!is_first && !spread_at_) {
    spread_at_ = clock::now() + moment;
    taken_before_ = taken_;
    woken_ = 1;
    wake_keeper();
  }
  l.unlock(); // the woken thread would only wait for it
  if (is_first)
    work_.notify_one();
}

void native_executor::pool::stop(ticket t, std::chrono::milliseconds grace) {
  const lock l(guard_);
  const auto found = runs_.find(t);
  if (found == runs_.end())
    return;
  auto& run = *found->second;
  const auto deadline = clock::now() + grace + patience;
  if (run.deadline && *run.deadline <= deadline)
    return;
  run.deadline = deadline;
  run.grace = grace;
  wake_keeper();
}

void native_executor::pool::wake_keeper() {
  if (!keeps_time_)
    keeps_time_ = add_thread(&pool::keep_time);
  time_.notify_one();
}

bool native_executor::pool::add_thread(void (pool::*duty)()) {
  const auto w = std::make_shared<worker>();
  try {
    w->thread = std::thread([self = shared_from_this(), w, duty] {
      (self.get()->*duty)();
      const lock l(self->guard_);
      w->ended = true;
      self->ended_.notify_all();
    });
  } catch (const std::system_error&) {
    return false;
  }
  threads_.push_back(w);
  idle_ += duty == &pool::serve ? 1 : 0;
  return true;
}

/// If no more jobs were taken than threads were woken, these may all be at long ones: twice as many are
/// woken, so that a thousand long jobs run after ten moments. Otherwise the jobs are short, and one thread
/// more is enough.
void native_executor::pool::spread() {
  const auto taken = taken_ - std::exchange(taken_before_, taken_);
  woken_ = taken <= woken_ ? std::min<std::uint64_t>(2 * woken_, queue_.size()) : 1;
  while (idle_ < woken_ && add_thread(&pool::serve)) {
  }
  for (auto i = std::uint64_t{0}; i < woken_; ++i)
    work_.notify_one();
}

/// A thread's life: one job after the other.
void native_executor::pool::serve() {
  lock l(guard_);
  for (;;) {
    work_.wait(l, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty())
      return;
    --idle_;
    ++taken_;
    auto [t, run] = std::move(queue_.front());
    queue_.pop_front();
    l.unlock();
    auto o = call(*run);
    l.lock();
    ++idle_; // before `done`, which may lead to the next start at once
    finish(l, t, std::move(o));
    run.reset(); // what it holds is foreign, and may call us while it goes
    l.lock();
  }
}

/// Spreads jobs over threads, asks runs to stop, and gives up those that do not. Asking runs callbacks of
/// foreign code, which must not hold up the caller of `stop`.
void native_executor::pool::keep_time() {
  lock l(guard_);
  while (!closing_) {
    std::vector<run_ptr> asked;
    std::vector<std::pair<ticket, outcome>> given_up;
    const auto now = clock::now();
    if (queue_.empty()) {
      spread_at_.reset();
    } else if (spread_at_ && *spread_at_ <= now) {
      spread();
      spread_at_ = now + moment;
    }
    auto next = spread_at_.value_or(clock::time_point::max());
    for (const auto& [t, run] : runs_) {
      if (!run->deadline)
        continue;
      if (!run->source.stop_requested())
        asked.push_back(run);
      if (*run->deadline <= now)
        given_up.emplace_back(t, outcome::failed("did not stop when asked, within "
                                                 + std::to_string(run->grace.count()) + " ms"));
      else
        next = std::min(next, *run->deadline);
    }
    if (!asked.empty() || !given_up.empty()) {
      l.unlock();
      for (const auto& run : asked)
        run->source.request_stop();
      for (auto& [t, o] : given_up) {
        l.lock();
        finish(l, t, std::move(o));
      }
      asked.clear();
      l.lock();
    } else if (next == clock::time_point::max()) {
      time_.wait(l);
    } else {
      time_.wait_until(l, next);
    }
  }
}

/// Tells the outcome of a run that has not ended otherwise, without the lock.
void native_executor::pool::finish(lock& l, ticket t, outcome o) {
  const auto run = runs_.extract(t);
  const auto released = closing_ && o.what == outcome::kind::failure; // it was we who broke it off
  l.unlock();
  if (run)
    tell_done(*run.mapped(), released ? outcome::given_back() : std::move(o));
}

void native_executor::pool::close() {
  lock l(guard_);
  closing_ = true;
  queue_.clear(); // the jobs in it are still in runs_
  const auto asked = runs_;
  l.unlock();
  for (const auto& [t, run] : asked)
    run->source.request_stop();
  work_.notify_all();
  time_.notify_all();
  l.lock();
  const auto all_ended = [this] {
    return std::all_of(threads_.begin(), threads_.end(), [](const auto& w) { return w->ended; });
  };
  ended_.wait_for(l, closing_time, all_ended);
  const auto left = std::exchange(runs_, {});
  const auto threads = std::exchange(threads_, {});
  std::vector<bool> ended;
  for (const auto& w : threads)
    ended.push_back(w->ended);
  l.unlock();
  for (std::size_t i = 0; i < threads.size(); ++i)
    ended[i] ? threads[i]->thread.join() : threads[i]->thread.detach();
  for (const auto& [t, run] : left)
    tell_done(*run, outcome::given_back());
}

native_executor::native_executor() : pool_(std::make_shared<pool>()) {}

native_executor::~native_executor() {
  pool_->close();
}

void native_executor::start(ticket t, const claimed_job& j, std::shared_ptr<const native_function> f,
                            executor::callbacks tell) {
  pool_->start(t, std::make_shared<native_run>(j, std::move(f), std::move(tell)));
}

void native_executor::stop(ticket t, std::chrono::milliseconds grace) {
  pool_->stop(t, grace);
}

} // namespace jobd::execution
