#include "program.hpp"

int main(int argc, char** argv) { return moonpool::repl::run_program(argc, argv); }
