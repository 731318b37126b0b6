#include "gateway/commands/enrolling.hpp"

#include <boost/json.hpp>

#include "gateway/crypto/encoding.hpp"
#include "gateway/identity/enrolment.hpp"
#include "gateway/identity/keys.hpp"
#include "gateway/identity/words.hpp"

namespace ishara::commands {

namespace json = boost::json;

std::string code_groups(const crypto::Id& code) {
  std::string out;
  for (const char digit : crypto::hex(code)) {
    if (out.size() % 5 == 4) out += ' ';
    out += digit;
  }
  return out;
}

std::optional<crypto::Id> read_code(std::string_view typed) {
  std::string digits;
  for (const char c : typed)
    if (c != ' ' && c != '-' && c != '\t' && c != '\r' && c != '\n') digits += c;
  return crypto::from_hex_exact<16>(digits);
}

std::string printed(const EnrolmentSheet& sheet) {
  const auto words = identity::key_fingerprint(identity::KeyKind::root, sheet.root_key);
  const auto middle = words.find(' ', words.size() / 2);  // two lines of them fit on any paper
  return "ISHARA   Invitation for one person\n"
         "========================================================================\n"
         "\n"
         "For  ______________________________     Good until " +
         sheet.until +
         "\n"
         "\n"
         "1. On your own machine, type this, all of it in one line or as it stands:\n"
         "\n"
         "  ishara user enrol --key my.key --desk " +
         sheet.desk + " \\\n  --root-key " + crypto::hex(sheet.root_key) + " \\\n  --user " +
         crypto::hex(sheet.user) +
         "\n"
         "\n"
         "2. It asks for this code, which works once:\n"
         "\n"
         "    " +
         code_groups(sheet.code) +
         "\n"
         "\n"
         "3. It tells you the root key in words. They must be these:\n"
         "\n"
         "    " +
         words.substr(0, middle) + "\n    " + words.substr(middle + 1) +
         "\n"
         "\n"
         "4. It shows you a passphrase: write it down, for you alone. Nobody can\n"
         "   give it to you again.\n"
         "\n"
         "5. It shows you eight words. Read them to your admin, face to face.\n"
         "\n"
         "Keep this sheet: the address and the root key are what you check by,\n"
         "every day, that nobody stands between you and your colleagues.\n"
         "========================================================================\n";
}

void show_keys(const http::Origin& desk, const identity::HeldKey& key, const crypto::Id& code) {
  const auto signing = identity::user_signing_key(key.seed);
  const auto box = identity::user_box_key(key.seed).public_key;
  const auto proof = identity::prove_enrolment(key.id, box, code, signing);
  fetch_from_desk(desk, http::Method::post, "/enrolments/" + crypto::hex(key.id),
                  {{"content-type", "application/json"}},
                  json::serialize(json::object{{"code", crypto::hex(code)},
                                               {"sign_pk", crypto::hex(signing.public_key)},
                                               {"box_pk", crypto::hex(box)},
                                               {"proof", crypto::base64(proof)}}),
                  nullptr);
}

}  // namespace ishara::commands
