// Asio's own code, compiled once for all test programs instead of in each of their files.
#include <boost/asio/impl/src.hpp>
