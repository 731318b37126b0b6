// Compiles the parts of Boost.Beast that are no templates, once.
#include <boost/beast/src.hpp>
