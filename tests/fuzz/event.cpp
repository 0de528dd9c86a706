#include "core/job_event.hpp"
#include "core/json_text.hpp"
#include "queue/job_queue.hpp"
#include "tests/fuzz/target.hpp"

#include <tao/json.hpp>

using namespace jobd;
using fuzz::ensure;

/// What comes out of a stream of the queue is a message or nothing. A message is the same after another way
/// through the stream, and clients see it as JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto e = read_job_event(text)) {
    ensure(is_name(e->type) && is_name(e->queue));
    ensure(read_job_event(to_text(*e)) == e);
    if (!e->progress || check_json(*e->progress))
      ensure(tao::json::from_string(to_json(*e)).is_object());
  }
  if (const auto run = queue::read_run(text))
    ensure(queue::read_run(queue::to_text(*run)) == run);
  if (const auto p = queue::read_place(text))
    ensure(queue::read_place(std::to_string(p->first) + '-' + std::to_string(p->second)) == p);
  return 0;
}
