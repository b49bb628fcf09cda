#include <limits>

#include <rapidcheck.h>

#include "base/error.hpp"
#include "support/catch.hpp"
#include "wire/copy_text.hpp"

namespace moonpool::wire {
namespace {

TEST_CASE("values are separated by tabs, rows by newlines") {
  std::string out;
  CopyWriter writer(out);
  CHECK(writer.text("a"));
  writer.null();
  CHECK(writer.text(""));
  writer.number(5);
  writer.end_row();
  CHECK(writer.text("b"));
  writer.end_row();
  writer.end_row();
  CHECK(out == "a\t\\N\t\t5\nb\n\n");
}

TEST_CASE("what means something in COPY text is escaped") {
  std::string out;
  CopyWriter writer(out);
  CHECK(writer.text("a\tb\nc\rd\\e\bf\vg\fh"));
  CHECK(writer.text("\\N"));
  CHECK(writer.text("\\."));
  writer.end_row();
  CHECK(out == "a\\tb\\nc\\rd\\\\e\\bf\\vg\\fh\t\\\\N\t\\\\.\n");
}

TEST_CASE("bytes that are no text are refused, and the row can be taken back") {
  std::string out;
  CopyWriter writer(out);
  CHECK(writer.text("kept"));
  writer.end_row();
  CHECK(writer.text("half"));
  CHECK_FALSE(writer.text(std::string_view("a\0b", 3)));
  CHECK_FALSE(writer.text("\xC3"));
  CHECK(out == "kept\nhalf");
  writer.drop_row();
  CHECK(writer.text("whole"));
  writer.end_row();
  CHECK(out == "kept\nwhole\n");
}

TEST_CASE("numbers are written exactly") {
  auto written = [](double value) {
    std::string out;
    CopyWriter writer(out);
    writer.number(value);
    return out;
  };
  CHECK(written(0) == "0");
  CHECK(written(-3) == "-3");
  CHECK(written(100000) == "100000");
  CHECK(written(9007199254740993.0) == "9007199254740992");
  CHECK(written(1e20) == "100000000000000000000");
  CHECK(written(1e21) == "1e+21");
  CHECK(written(0.1) == "0.1");
  CHECK(written(-1.5e-7) == "-1.5e-07");
  CHECK(written(std::numeric_limits<double>::infinity()) == "Infinity");
  CHECK(written(-std::numeric_limits<double>::infinity()) == "-Infinity");
  CHECK(written(std::numeric_limits<double>::quiet_NaN()) == "NaN");
  rc::check("and read back as the same",
            [&](double value) { RC_ASSERT(std::stod(written(value)) == value); });
}

}  // namespace
}  // namespace moonpool::wire
