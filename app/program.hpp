#pragma once

#include "execution/registry.hpp"

namespace jobd::app {

/// The whole program, with its command line and environment; returns its exit code. To run jobs by C++
/// functions of your own, add them to `handlers`, call this from your `main`, and link `jobd::program`:
/// examples/handlers/thumbnail.cpp is such a program.
[[nodiscard]] int run_program(int argc, char** argv, execution::registry handlers = {});

} // namespace jobd::app
