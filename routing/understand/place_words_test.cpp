#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "i18n/normalise.hpp"
#include "routing/understand/case_endings.hpp"
#include "routing/understand/similar_names.hpp"

namespace ishara::routing {
namespace {

TEST_CASE("a bent name is led back to the name, with what its ending says") {
  struct Example {
    std::string_view token;
    std::string_view name;
    Cue cue;
  };
  const std::array examples{
      Example{"toshkentda", "toshkent", Cue::location},
      Example{"qoqonga", "qoqon", Cue::none},
      Example{"fargonadanman", "fargona", Cue::none},
      Example{"Самарқандда", "Самарқанд", Cue::location},
      Example{"Бишкекте", "Бишкек", Cue::location},
      Example{"Нарындагы", "Нарын", Cue::location},
      Example{"Оше", "Ош", Cue::none},
      Example{"Бухаре", "Бухара", Cue::none},
      Example{"Хиву", "Хива", Cue::none},
      Example{"Казани", "Казань", Cue::none},
      Example{"Чуе", "Чуй", Cue::none},
      Example{"بالقاهرة", "القاهرة", Cue::location},
      Example{"بالقاهرة", "قاهرة", Cue::location},
      Example{"للقاهرة", "القاهرة", Cue::destination},
      Example{"وبطنطا", "طنطا", Cue::location},
      Example{"لدمياط", "دمياط", Cue::destination},
  };
  for (const auto& example : examples) {
    std::pmr::monotonic_buffer_resource memory;
    std::pmr::vector<BaseForm> forms{&memory};
    base_forms(i18n::folded(example.token, memory), forms);
    const auto name = i18n::folded(example.name, memory);
    const auto found = std::find_if(forms.begin(), forms.end(),
                                    [&](const BaseForm& form) { return form.name == name; });
    CAPTURE(example.token);
    REQUIRE(found != forms.end());
    CHECK(found->cue == example.cue);
  }
}

TEST_CASE("most words have no ending of a case") {
  std::pmr::monotonic_buffer_resource memory;
  std::pmr::vector<BaseForm> forms{&memory};
  for (const std::string_view token : {"", "da", "house", "huye", "12", "東京", "kuda"}) {
    CAPTURE(token);
    base_forms(token, forms);
    CHECK(forms.empty());
  }
}

TEST_CASE("a misspelt word is led to the names in its reach, the nearest first") {
  SimilarNames names;
  for (const auto* name :
       {"mombasa", "musanze", "nyagatare", "nyamata", "huye", "машхад", "nyagatara"})
    names.add(name);
  names.add("mombasa");
  names.sort();
  std::pmr::monotonic_buffer_resource memory;
  const auto near = [&](std::string_view token) {
    const auto found = names.near(token, memory);
    return std::vector<std::string_view>{found.begin(), found.end()};
  };
  using Names = std::vector<std::string_view>;
  CHECK(near("mombassa") == Names{"mombasa"});
  CHECK(near("mombaas") == Names{"mombasa"});                   // neighbours swapped
  CHECK(near("momasa") == Names{"mombasa"});                    // six letters
  CHECK(near("mambaza").empty());                               // two edits in seven letters
  CHECK(near("nyagetare") == Names{"nyagatare", "nyagatara"});  // one edit, two edits
  CHECK(near("pombasa").empty());                               // another first letter
  CHECK(near("huyee").empty());                                 // too short
  CHECK(near("мащхад") == Names{"машхад"});
  CHECK(near("abcdefghijklmnopqrstuvwxyz").empty());
}

}  // namespace
}  // namespace ishara::routing
