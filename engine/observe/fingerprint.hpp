#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace moonpool::observe {

// What a statement is when it is called again with other values.
struct Fingerprint {
  std::string id;    // sixteen hexadecimal digits
  std::string text;  // normalised, cut to a readable length: no literal of the statement is in it
  std::string operation;  // its first word in upper case: SELECT, INSERT, …; of WITH, what it does
  bool writes = false;    // may change data or their definition, as far as the text tells
};

// Literals and parameters become ?, lists of them one ?, unquoted names and keywords small letters; white space
// and comments are gone. Depends on nothing but the text; kept for texts that come again. Threads: any.
std::shared_ptr<Fingerprint const> fingerprint(std::string_view sql);

}  // namespace moonpool::observe
