// One mutant's program: exit status 1 if the check NUMASIO_HUNT found it, 0 if it survived.
#include "checks.hpp"

int main() { return numasio::model::NUMASIO_HUNT() ? 0 : 1; }
