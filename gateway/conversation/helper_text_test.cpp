#include "gateway/conversation/helper_text.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ishara::conversation {
namespace {

const i18n::Packs& packs() {
  static const i18n::Packs all = i18n::Packs::load(ISHARA_PACKS);
  return all;
}

}  // namespace

TEST_CASE("what a caseworker writes keeps the rules of every pack, in whatever alphabet") {
  struct {
    std::string text;
    boost::system::error_code as_message;
    boost::system::error_code on_screens;
  } const rows[] = {
      {"Thank you. Are you well tonight?", {}, {}},
      {"Спасибо. Мы пишем завтра.", {}, {}},
      {"Is it \u2018quiet\u2019 now?", {}, {}},
      {std::string(160, 'a'), {}, {}},
      {std::string(161, 'a'), errc::does_not_fit, {}},
      {std::string(140, 'a') + " \u0436", errc::does_not_fit, {}},
      {"The police will come.", errc::forbidden_word, errc::forbidden_word},
      {"The \u2018police\u2019 will come.", errc::forbidden_word, errc::forbidden_word},
      {std::string(400, 'a') + " polisi", errc::forbidden_word, errc::forbidden_word},
      {"Write to a@b", errc::looks_like_address, errc::looks_like_address},
      {"See help.example", errc::looks_like_address, errc::looks_like_address},
      {"Hello {name}", errc::unfilled_placeholder, errc::unfilled_placeholder},
      {"Thank you \U0001F600", errc::emoji, errc::emoji},
      {"Where?? When?", errc::question_chain, errc::question_chain},
      {"Where? ?", errc::question_chain, errc::question_chain},
      {"\u0623\u064A\u0646\u061F\u061F", errc::question_chain, errc::question_chain},
      {"Where? When?", {}, {}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(lint_helper_text(packs(), row.text, ReadAs::one_message) == row.as_message);
    CHECK(lint_helper_text(packs(), row.text, ReadAs::screens) == row.on_screens);
  }
}

}  // namespace ishara::conversation
