#include "app/commands.hpp"
#include "app/options.hpp"

int main(int argc, char** argv) {
  const auto request = jobd::app::read_command_line(argc, argv);
  return request ? jobd::app::run(*request) : request.error();
}
