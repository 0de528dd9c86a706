#include "queue/redis_queue.hpp"

#include "core/json_text.hpp"
#include "core/log.hpp"
#include "queue/keys.hpp"
#include "queue/redis_connection.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace jobd::queue {
namespace {

/// Members of one ZADD: Redis serves nobody else while it runs one.
constexpr std::size_t chunk = 1'000;
/// Enough for a reader that was away for a moment, at some 200 bytes each.
constexpr auto kept_messages = "10000";
constexpr auto messages_at_a_time = "500";

/// One ZADD for up to `chunk` hints of the same queue.
std::vector<redis_command> push_commands(std::span<const hint> hints) {
  struct open_command {
    std::size_t at;
    std::size_t members;
  };
  auto commands = std::vector<redis_command>{};
  auto open = std::map<std::string_view, open_command>{};
  for (const auto& h : hints) {
    auto [found, is_new] = open.try_emplace(h.queue);
    if (is_new || found->second.members == chunk) {
      found->second = {commands.size(), 0};
      commands.push_back({"ZADD", keys::ready(h.queue)});
    }
    auto& command = commands[found->second.at];
    // A score is an integer that a double holds exactly, and it travels as one.
    command.push_back(std::to_string(static_cast<std::int64_t>(keys::score(h))));
    command.push_back(std::to_string(h.id));
    ++found->second.members;
  }
  return commands;
}

redis_command pop_command(std::span<const std::string> queues, int most, std::chrono::milliseconds wait) {
  auto command = redis_command{"ZMPOP"};
  if (wait.count() > 0)
    command = {"BZMPOP", std::to_string(static_cast<double>(wait.count()) / 1000)};
  command.push_back(std::to_string(queues.size()));
  for (const auto& name : queues)
    command.push_back(keys::ready(name));
  command.insert(command.end(), {"MIN", "COUNT", std::to_string(most)});
  return command;
}

bool is_text(const redisReply& r) {
  return r.type == REDIS_REPLY_STRING;
}

std::string text_of(const redisReply& r) {
  return {r.str, r.len};
}

bool is_list(const redisReply& r, std::size_t size) {
  return r.type == REDIS_REPLY_ARRAY && r.elements == size;
}

template <class Number>
std::optional<Number> number_in(const redisReply& r) {
  auto value = Number{};
  const auto [end, err] = std::from_chars(r.str, r.str + r.len, value);
  return err == std::errc{} && end == r.str + r.len ? std::optional{value} : std::nullopt;
}

/// A member and its score; nothing if jobd cannot have written them.
std::optional<hint> read_hint(const redisReply& member, const redisReply& score, const std::string& queue) {
  const auto id = number_in<job_id>(member);
  const auto value = number_in<double>(score);
  const auto priority = value ? keys::priority(*value) : std::nullopt;
  if (!id || *id < 1 || !priority)
    return std::nullopt;
  return hint{*id, queue, *priority};
}

class redis_queue : public job_queue {
public:
  explicit redis_queue(const redis_options& o) : connection_(parse_redis_url(o.url), o.deadline) {}

  expected<bool> push(std::span<const hint> hints) override {
    auto commands = push_commands(hints);
    commands.push_back({"EXISTS", keys::attended});
    return connection_.run(commands).map([](const auto& replies) {
      const auto& attended = *replies.back();
      return attended.type == REDIS_REPLY_INTEGER && attended.integer > 0;
    });
  }

  expected<std::vector<hint>> pop(std::span<const std::string> queues, int most,
                                  std::chrono::milliseconds wait) override {
    if (queues.empty() || most < 1)
      return {};
    const auto command = pop_command(queues, most, wait);
    return connection_.run({&command, 1}, std::max(wait, wait.zero())).and_then([&](const auto& replies) {
      return read_pop(*replies[0], queues);
    });
  }

  expected<void> publish(stream to, std::span<const std::string> texts) override {
    auto commands = std::vector<redis_command>{};
    for (const auto& text : texts)
      commands.push_back({"XADD", keys::messages(to), "MAXLEN", "~", kept_messages, "*", "m", text});
    return connection_.run(commands).map([](const auto&) {});
  }

  expected<void> attend(std::chrono::milliseconds time) override {
    const auto command = redis_command{"SET", keys::attended, "1", "PX", std::to_string(time.count())};
    return connection_.run({&command, 1}).map([](const auto&) {});
  }

  expected<std::vector<message>> read(stream from, const std::string& after,
                                      std::chrono::milliseconds wait) override {
    if (!read_place(after))
      return fail(ec::invalid, "no message has the id " + json_string(storable_text(after)));
    auto command = redis_command{"XREAD", "COUNT", messages_at_a_time};
    if (wait.count() > 0)
      command.insert(command.end(), {"BLOCK", std::to_string(wait.count())});
    command.insert(command.end(), {"STREAMS", keys::messages(from), after});
    return connection_.run({&command, 1}, std::max(wait, wait.zero())).and_then([&](const auto& replies) {
      return read_streams(*replies[0]);
    });
  }

  expected<std::string> newest(stream of) override {
    const auto command = redis_command{"XREVRANGE", keys::messages(of), "+", "-", "COUNT", "1"};
    return connection_.run({&command, 1}).and_then([&](const auto& replies) {
      return read_messages(*replies[0]).map([](const auto& messages) {
        return messages.empty() ? std::string{"0-0"} : messages[0].id;
      });
    });
  }

  expected<std::int64_t> size(const std::string& queue) override {
    const auto command = redis_command{"ZCARD", keys::ready(queue)};
    return connection_.run({&command, 1}).and_then([&](const auto& replies) -> expected<std::int64_t> {
      if (replies[0]->type != REDIS_REPLY_INTEGER)
        return connection_.give_up("the answer to ZCARD is no number");
      return replies[0]->integer;
    });
  }

private:
  /// `[[key, messages]]`, or nil if there is nothing.
  expected<std::vector<message>> read_streams(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_NIL)
      return {};
    if (!is_list(reply, 1) || !is_list(*reply.element[0], 2))
      return connection_.give_up("the answer to XREAD has another form");
    return read_messages(*reply.element[0]->element[1]);
  }

  /// `[[id, [field, text]] …]`. What jobd cannot have written is skipped.
  expected<std::vector<message>> read_messages(const redisReply& reply) {
    if (reply.type != REDIS_REPLY_ARRAY)
      return connection_.give_up("the answer to XREAD has another form");
    auto messages = std::vector<message>{};
    for (const auto* m : std::span{reply.element, reply.elements})
      if (is_list(*m, 2) && is_text(*m->element[0]) && is_list(*m->element[1], 2)
          && is_text(*m->element[1]->element[1]))
        messages.push_back({text_of(*m->element[0]), text_of(*m->element[1]->element[1])});
    return messages;
  }

  /// `[key, [[member, score] …]]`, or nil if there is nothing.
  expected<std::vector<hint>> read_pop(const redisReply& reply, std::span<const std::string> queues) {
    if (reply.type == REDIS_REPLY_NIL)
      return {};
    if (!is_list(reply, 2) || !is_text(*reply.element[0]) || reply.element[1]->type != REDIS_REPLY_ARRAY)
      return connection_.give_up("the answer to ZMPOP has another form");
    const auto key = std::string{reply.element[0]->str, reply.element[0]->len};
    const auto queue = std::ranges::find(queues, key, keys::ready);
    if (queue == queues.end())
      return connection_.give_up("the answer to ZMPOP names a key that was not asked for");
    const auto& pairs = *reply.element[1];
    auto hints = std::vector<hint>{};
    for (const auto* pair : std::span{pairs.element, pairs.elements}) {
      if (!is_list(*pair, 2) || !is_text(*pair->element[0]) || !is_text(*pair->element[1]))
        return connection_.give_up("the answer to ZMPOP has another form");
      if (auto h = read_hint(*pair->element[0], *pair->element[1], *queue))
        hints.push_back(std::move(*h));
    }
    if (const auto skipped = pairs.elements - hints.size(); skipped > 0)
      log::warn("The queue skipped entries that are no jobs.", {{"key", key}, {"entries", skipped}});
    return hints;
  }

  redis_connection connection_;
};

} // namespace

expected<void> check_redis_url(std::string_view url) {
  return parse_redis_url(url).map([](const auto&) {});
}

std::unique_ptr<job_queue> make_redis_queue(redis_options options) {
  return std::make_unique<redis_queue>(options);
}

} // namespace jobd::queue
