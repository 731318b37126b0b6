#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "gateway/crypto/primitives.hpp"

int main(int count, char** words) {
  ishara::crypto::start();
  return doctest::Context{count, words}.run();
}
