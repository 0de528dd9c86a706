#pragma once

#include "core/error.hpp"
#include "core/job.hpp"
#include "execution/executor.hpp"
#include "execution/native.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jobd::execution {

/// How jobs of one type are run, as the handler file says.
struct handler {
  /// The path of a program and its arguments, run without a shell; empty for a native handler.
  std::vector<std::string> command;
  /// `builtin:echo`, or what the worker's program registered; empty for a command.
  std::string native;
  /// Applies to jobs that name none themselves; absent: JOB_TIMEOUT.
  std::optional<seconds> timeout;
  /// Address space of each process, in MiB; absent: no limit.
  std::optional<int> memory_mb;
  /// Its jobs must never overlap: a node that cannot renew its beat stops them before others may run them.
  bool exclusive = false;
  /// Added to the clean environment of a command.
  std::map<std::string, std::string> env;
};

/// Which handler runs which type.
class registry {
public:
  /// The three builtins under their own names, and `default` as `builtin:echo`.
  registry();

  /// Reads a handler file: a JSON (or JAXN) object from type to `"builtin:…"`/native name, or to an object
  /// with `command` or `native` and optionally `timeout`, `memory_mb`, `exclusive`, `env`. It adds to what
  /// stands. A program is looked for in PATH, or from the file's folder if its name has a slash, and must be
  /// there. `ec::invalid` names the file, the type and what is allowed; nothing is added then.
  [[nodiscard]] expected<void> load(const std::string& path);
  /// The same from text; `name` stands for the file in errors.
  [[nodiscard]] expected<void> parse(const std::string& text, const std::string& name);

  /// Makes `f` known under `name`, for handler files and as a type of its own.
  void add_native(const std::string& name, native_function f);

  [[nodiscard]] const handler* find(const std::string& type) const;
  [[nodiscard]] std::vector<std::string> types() const;
  /// The names of the native functions.
  [[nodiscard]] std::vector<std::string> natives() const;
  /// Null if no native function has that name.
  [[nodiscard]] const native_function* find_native(const std::string& name) const;

private:
  std::map<std::string, handler, std::less<>> handlers_;
  std::map<std::string, native_function, std::less<>> natives_;
};

/// An executor that sends each job to its type's handler: commands to one thread that spawns and watches all
/// processes, native functions to a pool of threads. Throws std::system_error if the system has no descriptor
/// or thread left for it.
[[nodiscard]] std::unique_ptr<executor> make_executor(const registry& handlers);

} // namespace jobd::execution
