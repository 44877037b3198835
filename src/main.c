/* main: hands over to the command table (cli_main). */
#include "cli_main.h"

int
main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
