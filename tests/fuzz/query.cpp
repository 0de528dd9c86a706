#include "core/json_text.hpp"
#include "http/query.hpp"
#include "tests/fuzz/target.hpp"

using namespace jobd;
using fuzz::ensure;
using http::parameter;

namespace {

constexpr auto all =
    http::parameters{parameter::status, parameter::type,   parameter::queue,         parameter::object_id,
                     parameter::limit,  parameter::cursor, parameter::created_after, parameter::wait};

void keeps_to_limits(const http::query& q) {
  ensure(!q.filter.type || is_name(*q.filter.type));
  ensure(!q.filter.queue || is_name(*q.filter.queue));
  ensure(!q.filter.created_after || q.filter.created_after->time_since_epoch().count() >= 0);
  ensure(!q.limit || (*q.limit >= 1 && *q.limit <= limits::page_jobs));
  ensure(!q.before || *q.before >= 1);
  ensure(!q.wait || (q.wait->count() >= 0 && *q.wait <= http::longest_wait));
}

} // namespace

/// Any text is a query or refused by a rule. What a query says is what the address of its next page says, but
/// for the place where that begins. A route that knows only `wait` takes nothing else.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  if (const auto q = http::parse_query(text, {parameter::wait}))
    ensure(!q->has_filter() && !q->limit && !q->before);
  const auto q = http::parse_query(text, all);
  if (!q) {
    const auto& [name, rule] = q.error();
    ensure(!rule.empty() && is_utf8(rule) && text.find(name) != std::string_view::npos);
    return 0;
  }
  keeps_to_limits(*q);
  const auto next = http::next_page(*q, 7);
  const auto again = http::parse_query(next, all);
  ensure(again && again->before == 7 && !again->wait && http::next_page(*again, 7) == next);
  ensure(again->filter.created_after == q->filter.created_after && again->has_filter() == q->has_filter());
  return 0;
}
