#include "http/waiting_room.hpp"

namespace jobd::http {

std::shared_ptr<void> waiting_room::enter(const std::shared_ptr<waiting_room>& room, std::size_t bytes) {
  const auto leave = [room, bytes](void*) {
    room->places_.fetch_sub(1, std::memory_order_relaxed);
    room->shown_.add(-1);
    room->bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  };
  room->shown_.add(1);
  const auto places = room->places_.fetch_add(1, std::memory_order_relaxed) + 1;
  const auto all_bytes = room->bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  auto place = std::shared_ptr<void>{room.get(), leave};
  if (places > room->most_places_ || all_bytes > room->most_bytes_)
    return nullptr;
  return place;
}

} // namespace jobd::http
