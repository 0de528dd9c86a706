#pragma once

#include "queue/job_queue.hpp"

#include <memory>

namespace jobd::queue {

/// The hints of one process, shared by its queues. They start empty and go with the process: whoever keeps
/// the jobs writes them again.
class memory_hints;

[[nodiscard]] std::shared_ptr<memory_hints> make_memory_hints();

/// A queue of those hints; it is never away. Each queue name keeps the first 100,000 of its hints and drops
/// the rest.
[[nodiscard]] std::unique_ptr<job_queue> make_memory_queue(std::shared_ptr<memory_hints> hints);

} // namespace jobd::queue
