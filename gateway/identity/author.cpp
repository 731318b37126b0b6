#include "gateway/identity/author.hpp"

#include <algorithm>

#include "gateway/identity/layout.hpp"

namespace ishara::identity {

namespace {

bool works_for(const std::vector<std::string>& roles, const std::vector<crypto::Id>& queues,
               const crypto::Id& queue) {
  const auto at_work = [](const auto& role) { return role == "caseworker" || role == "lead"; };
  return std::ranges::find(queues, queue) != queues.end() && std::ranges::any_of(roles, at_work);
}

}  // namespace

bool works_for(const Directory::Member& member, const crypto::Id& queue) {
  return works_for(member.roles, member.queues, queue);
}

bool works_for(const OrganisationRoster::Member& member, const crypto::Id& queue) {
  return works_for(member.roles, member.queues, queue);
}

bool signed_by(crypto::View envelope, const crypto::PublicKey& author) {
  const auto is = [&](layout::Type type) {
    return layout::claimed_header(envelope, type).has_value();
  };
  constexpr std::size_t signature_size = 64;
  if (envelope.size() < header_size + signature_size ||
      !(is(layout::Type::reply) || is(layout::Type::note)))
    return false;
  crypto::Signature signature;
  std::ranges::copy(envelope.last(signature_size), signature.begin());
  return crypto::verify(author_domain, {envelope.first(envelope.size() - signature_size)},
                        signature, author);
}

const Directory::Member* author_of(crypto::View envelope, const crypto::Id& queue,
                                   const Directory& directory) {
  const auto& members = directory.members();
  const auto found = std::ranges::find_if(members, [&](const Directory::Member& member) {
    return works_for(member, queue) && signed_by(envelope, member.signing_key);
  });
  return found == members.end() ? nullptr : &*found;
}

}  // namespace ishara::identity
