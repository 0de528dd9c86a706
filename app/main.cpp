#include "app/program.hpp"

int main(int argc, char** argv) {
  return jobd::app::run_program(argc, argv);
}
