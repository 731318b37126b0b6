#include "gateway/commands/sms.hpp"

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <string>

#include "gateway/commands/commands.hpp"
#include "i18n/sms.hpp"
#include "i18n/utf8.hpp"

namespace ishara::commands {

void measure_lines(std::istream& texts, std::ostream& answers) {
  for (std::string text; std::getline(texts, text);) {
    const i18n::Measure measured = i18n::measure(text);
    boost::json::object answer;
    answer["encoding"] = measured.encoding == i18n::Encoding::gsm7 ? "gsm7" : "ucs2";
    answer["units"] = measured.units;
    answer["segments"] = measured.segments;
    answer["forced_by"] = nullptr;
    if (measured.forced_by) {
      char bytes[4];
      const char* const end = i18n::write_utf8(*measured.forced_by, bytes);
      answer["forced_by"] = boost::json::string_view{bytes, static_cast<std::size_t>(end - bytes)};
    }
    answers << boost::json::serialize(answer) << '\n';
  }
}

void add_sms(CLI::App& root, int& exit_code) {
  auto* const sms = root.add_subcommand("sms", "What a text costs as an SMS");
  sms->require_subcommand(1);
  auto* const measure =
      sms->add_subcommand("measure", "Texts on stdin, one a line: encoding, units and segments");
  measure->footer("Example:\n  echo 'it’s here' | ishara sms measure");
  measure->callback([&exit_code] {
    measure_lines(std::cin, std::cout);
    std::cout.flush();
    exit_code = std::cout ? good : failed;
  });
}

}  // namespace ishara::commands
