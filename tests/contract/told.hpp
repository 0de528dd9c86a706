#pragma once

#include "storage/store.hpp"

#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace jobd::test {

/// What stores are asked and what they answer, as text: for people, and to compare answers that need not be
/// equal to the microsecond.
class teller {
public:
  explicit teller(timestamp now) : now_(now) {}

  template <class... T>
  static std::string text(const T&... parts) {
    auto out = std::ostringstream{};
    ((out << parts), ...);
    return out.str();
  }

  std::string operator()(const job_spec& s) const;
  std::string operator()(const storage::finish_request& f) const;
  std::string operator()(const storage::claim_request& c) const;
  std::string operator()(const storage::progress_update& p) const;
  std::string operator()(const storage::batch& b) const;
  std::string operator()(const storage::batch_result& r) const;

  std::string operator()(const job& j) const;
  std::string operator()(const created_job& c) const;
  std::string operator()(const claimed_job& j) const;
  std::string operator()(const storage::job_change& c) const;
  std::string operator()(const storage::attempt_record& a) const;
  std::string operator()(const storage::beat_report& r) const;
  std::string operator()(const storage::expiry& e) const;
  std::string operator()(const storage::promotion& p) const;
  std::string operator()(const storage::prune_report& r) const;
  std::string operator()(const storage::queue_stats& q) const;
  std::string operator()(const storage::queue_info& q) const;
  std::string operator()(storage::finish_answer a) const {
    using enum storage::finish_answer;
    return a == accepted ? "accepted" : a == cancelled ? "cancelled" : "stale";
  }
  std::string operator()(const lease::suspect& s) const { return text(s.node); }
  std::string operator()(const run_key& r) const { return text(r.id, '/', r.attempt); }
  std::string operator()(const hint& h) const {
    return text("job ", h.id, " (", h.queue, ' ', h.priority, ')');
  }
  std::string operator()(const std::string& s) const { return s; }
  std::string operator()(std::int64_t n) const { return text(n); }
  /// To about twenty seconds.
  std::string operator()(timestamp t) const { return (*this)(seconds{t - now_}); }
  std::string operator()(seconds s) const;

  template <class T>
  std::string operator()(const std::vector<T>& all) const {
    auto out = std::string{};
    for (const auto& one : all)
      out += (out.empty() ? "" : ", ") + (*this)(one);
    return '[' + out + ']';
  }
  /// Without what an error tells people.
  template <class T>
  std::string operator()(const expected<T>& e) const {
    return e ? (*this)(*e) : "error: " + std::string{to_string(e.error().code)};
  }

private:
  /// Nothing if there is none.
  template <class T>
  std::string maybe(const char* name, const std::optional<T>& value) const {
    return value ? text(' ', name, ' ', (*this)(*value)) : std::string{};
  }

  timestamp now_;
};

} // namespace jobd::test
