// The command line of the one binary. A new command is one file in gateway/commands/ and one line
// here, in the order of the help.

#include "gateway/commands/commands.hpp"

int main(int count, char** arguments) {
  using namespace ishara::commands;
  return run(
      count, arguments,
      {
          add_audit, add_backup,   add_channel, add_desk,       add_doctor, add_gateway, add_init,
          add_key,   add_migrate,  add_org,     add_pack,       add_queue,  add_relay,   add_route,
          add_serve, add_simulate, add_sms,     add_understand, add_user,
      });
}
