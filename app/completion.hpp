#pragma once

#include <string>

namespace jobd::app {

/// A script for bash that completes commands, flags, and the values of flags that name files or one of a few
/// words. Made of the same tables as the command line, so it never lags behind it.
[[nodiscard]] std::string bash_completion();

} // namespace jobd::app
