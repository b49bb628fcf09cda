#include "base/secret.hpp"

#include <rapidcheck.h>

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace moonpool {
namespace {

template <class T>
concept Printable = requires(std::ostream& out, T const& value) {
  out << value;
};

std::string cleaned(std::string_view secret, std::string text) {
  Redactor redactor;
  redactor.add(secret);
  return redactor.clean(std::move(text));
}

TEST_CASE("what was typed in the wrong place is quoted without its password") {
  for (auto const& [typed, shown] : std::vector<std::pair<std::string, std::string>>{
           {"postgresql://ann:hunter2@host/db", "postgresql://ann:***@host/db"},
           {"see postgres://ann:hun@ter/2@host:5432/db?x=1 there",
            "see postgres://ann:***@host:5432/db?x=1 there"},
           {"postgresql://host/db?user=ann&password=hunter2&x=1",
            "postgresql://host/db?user=ann&password=***&x=1"},
           {"host=a password = 'hun\\'ter 2' dbname=b", "host=a password = *** dbname=b"},
           {"host=a pasword=hunter2", "host=a pasword=***"},
           {"PGPASSWORD=hunter2", "PGPASSWORD=***"},
           {"--password=hunter2", "--password=***"},
           {"password='hunter2", "password=***"},
           {"postgresql://ann@host/db", "postgresql://ann@host/db"},
           {"12:30 a@b", "12:30 a@b"},
           {"passage=1", "passage=***"},
           {"compass=1", "compass=1"},
           {"pas", "pas"},
           {"", ""}}) {
    CHECK(without_passwords(typed) == shown);
  }
}

TEST_CASE("a secret shows itself to those who ask by name alone") {
  Secret const secret("hunter2");
  CHECK(secret.str() == "***");
  CHECK(secret.reveal() == "hunter2");
  CHECK_FALSE(secret.empty());
  CHECK(Secret().empty());
  static_assert(!Printable<Secret>);
  static_assert(!std::is_convertible_v<Secret, std::string>);
  static_assert(!std::is_convertible_v<Secret, std::string_view>);
  static_assert(!std::is_convertible_v<std::string, Secret>);
}

TEST_CASE("known secrets become stars, in every spelling a connection string gives them") {
  CHECK(cleaned("hunter2", "password hunter2 was hunter2") == "password *** was ***");
  CHECK(cleaned("a b/c", "postgresql://u:a%20b%2Fc@h/d") == "postgresql://u:***@h/d");
  CHECK(cleaned("a b/c", "postgresql://u:a%20b%2fc@h/d") == "postgresql://u:***@h/d");
  CHECK(cleaned("ab", "pass%77ord=%61%62") == "pass%77ord=***");
  CHECK(cleaned("it's\\", "password='it\\'s\\\\'") == "password='***'");
  CHECK(cleaned("it's", "PASSWORD 'it''s'") == "PASSWORD '***'");
}

TEST_CASE("text without secrets stays as it is") {
  CHECK(Redactor().clean("nothing to hide") == "nothing to hide");
  CHECK(cleaned("", "nothing to hide") == "nothing to hide");
  CHECK(cleaned("hunter2", "nothing to hide").size() == 15);
}

TEST_CASE("a short secret does not leave the rest of a longer one standing") {
  Redactor redactor;
  redactor.add("abc");
  redactor.add("abcdef");
  CHECK(redactor.clean("xabcdefx abc") == "x***x ***");
}

TEST_CASE("secrets made of stars do not loop") {
  for (auto const* secret : {"*", "**", "***", "****"}) {
    INFO(secret);
    CHECK(cleaned(secret, std::string("a") + secret + "b").size() >= 5);
  }
}

TEST_CASE("no spelling of a secret survives, wherever it stands") {
  CHECK(rc::check("random secrets in random surroundings", [] {
    // At least four bytes that do not occur around it, so that what is left of it can be looked for.
    auto const secret = *rc::gen::suchThat(
        rc::gen::container<std::string>(rc::gen::elementOf(std::string("SECRT'\\% /@:é"))),
        [](std::string const& text) { return text.size() >= 4; });
    auto const before =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc xyz=")));
    auto const after =
        *rc::gen::container<std::string>(rc::gen::elementOf(std::string("abc xyz=")));
    RC_ASSERT(cleaned(secret, before + secret + after) == before + "***" + after);
  }));
}

}  // namespace
}  // namespace moonpool
