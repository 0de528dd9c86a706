#include "execution/command.hpp"
#include "execution/executor.hpp"
#include "execution/native.hpp"
#include "execution/registry.hpp"

#include <atomic>
#include <utility>

namespace jobd::execution {
namespace {

/// Sends each job to its type's handler.
class dispatcher : public executor {
public:
  explicit dispatcher(const registry& handlers) : handlers_(std::make_shared<const registry>(handlers)) {}

  ticket start(const claimed_job& j, callbacks tell) override {
    const ticket t = next_.fetch_add(1, std::memory_order_relaxed);
    const auto* h = handlers_->find(j.type);
    if (!h) {
      tell.done(outcome::failed("no handler for type " + j.type));
    } else if (!h->command.empty()) {
      commands_.start(t, j, *h, std::move(tell));
    } else if (const auto* f = handlers_->find_native(h->native)) {
      // An abandoned thread needs its function for longer than we live.
      natives_.start(t, j, std::shared_ptr<const native_function>(handlers_, f), std::move(tell));
    } else {
      tell.done(outcome::failed("no native function " + h->native));
    }
    return t;
  }

  /// The one that does not know the ticket takes it for a run that is over.
  void stop(ticket t, std::chrono::milliseconds grace) override {
    commands_.stop(t, grace);
    natives_.stop(t, grace);
  }

private:
  std::shared_ptr<const registry> handlers_;
  std::atomic<ticket> next_{1};
  command_executor commands_;
  native_executor natives_;
};

} // namespace

std::unique_ptr<executor> make_executor(const registry& handlers) {
  return std::make_unique<dispatcher>(handlers);
}

} // namespace jobd::execution
