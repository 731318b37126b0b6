#pragma once
// `ishara key make service`: another key for a gateway or relay, on its server.

namespace CLI {
class App;
}

namespace ishara::commands {

// `make` is `ishara key make`.
void add_make_service(CLI::App& root, CLI::App& make, int& exit_code);

}  // namespace ishara::commands
