#pragma once

#include "actors/interfaces.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>

namespace jobd::actors {

struct hinter_options {
  std::vector<std::string> queues;
  std::vector<std::string> types;
  std::chrono::milliseconds every{2'000};
  /// Rows of each queue that one pass reads. Lost pops are always at the head, so the bound loses none.
  int limit = 10'000;
  /// A queue that holds `limit` hints is plainly full, and is looked after only this often.
  std::chrono::milliseconds every_when_full{10'000};
};

class hinter_state {
public:
  static inline constexpr const char* name = "hinter";
  using self_pointer = hinter_actor::stateful_pointer<hinter_state>;

  explicit hinter_state(self_pointer self) : self_(self) {}
  hinter_actor::behavior_type make_behavior(hinter_options options, storage_actor storage, queue_actor queue);

private:
  void run_once();
  [[nodiscard]] bool worth_a_look(const std::string& queue, std::int64_t size);
  void asked();
  void write_again();
  void look_again();

  self_pointer self_;
  hinter_options options_;
  storage_actor storage_;
  queue_actor queue_;
  /// By queue.
  std::map<std::string, caf::actor_clock::time_point> last_pass_;
  /// Questions for sizes that are not answered yet, and the queues that this pass is for. The database gets
  /// one statement a pass, however many queues there are.
  std::size_t asking_ = 0;
  std::vector<std::string> looking_at_;
  bool found_ = false;
  /// The last pass found as many as it may, so there are more.
  bool full_ = false;
  bool looks_again_ = false;
};

hinter_actor::behavior_type hinter(hinter_actor::stateful_pointer<hinter_state> self, hinter_options options,
                                   storage_actor storage, queue_actor queue);

} // namespace jobd::actors
