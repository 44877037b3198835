/* test_gate_copy_golden: what PostgreSQL 15 wrote for COPY customers ... TO STDOUT: one string for each CopyData run. Made with COPY of six
 * rows whose values hold every character that a format treats in its own way; see `people` in test_gate_copy.c for the values.
 */
#ifndef TEST_GATE_COPY_GOLDEN_H
#define TEST_GATE_COPY_GOLDEN_H

#include <stddef.h>

static const struct golden { const char *sql, *bytes; size_t n; } goldens[] = {
	{"COPY customers TO STDOUT",
	 "1\t138 0013-8000\tAnn@Example.org\tAnn\tplain\n"
	 "2\t\\N\ttwo@example.org\t\347\216\213\345\260\217\346\230\216\ttab\\there, nl\\nthere, cr\\rback\\\\slash \"qu"
	 "oted\" 'single' |pipe\n"
	 "3\t+86 13900139000\t\\N\t\t\\\\N\n"
	 "4\t0086 137 0013 7000\ta,b;c|d\"e\"@example.org\t\\b\\f\\v\t\n"
	 "-5\t\t\t\\N\t\\N\n"
	 "9223372036854775807\t13600136000\tlast@example.org\tNULL\t\\\\.\n", 282},
	{"COPY customers TO STDOUT (FORMAT text)",
	 "1\t138 0013-8000\tAnn@Example.org\tAnn\tplain\n"
	 "2\t\\N\ttwo@example.org\t\347\216\213\345\260\217\346\230\216\ttab\\there, nl\\nthere, cr\\rback\\\\slash \"qu"
	 "oted\" 'single' |pipe\n"
	 "3\t+86 13900139000\t\\N\t\t\\\\N\n"
	 "4\t0086 137 0013 7000\ta,b;c|d\"e\"@example.org\t\\b\\f\\v\t\n"
	 "-5\t\t\t\\N\t\\N\n"
	 "9223372036854775807\t13600136000\tlast@example.org\tNULL\t\\\\.\n", 282},
	{"COPY customers TO STDOUT (DELIMITER '|')",
	 "1|138 0013-8000|Ann@Example.org|Ann|plain\n"
	 "2|\\N|two@example.org|\347\216\213\345\260\217\346\230\216|tab\\there, nl\\nthere, cr\\rback\\\\slash \"quoted"
	 "\" 'single' \\|pipe\n"
	 "3|+86 13900139000|\\N||\\\\N\n"
	 "4|0086 137 0013 7000|a,b;c\\|d\"e\"@example.org|\\b\\f\\v|\n"
	 "-5|||\\N|\\N\n"
	 "9223372036854775807|13600136000|last@example.org|NULL|\\\\.\n", 284},
	{"COPY customers TO STDOUT (DELIMITER ',', NULL '')",
	 "1,138 0013-8000,Ann@Example.org,Ann,plain\n"
	 "2,,two@example.org,\347\216\213\345\260\217\346\230\216,tab\\there\\, nl\\nthere\\, cr\\rback\\\\slash \"quote"
	 "d\" 'single' |pipe\n"
	 "3,+86 13900139000,,,\\\\N\n"
	 "4,0086 137 0013 7000,a\\,b;c|d\"e\"@example.org,\\b\\f\\v,\n"
	 "-5,,,,\n"
	 "9223372036854775807,13600136000,last@example.org,NULL,\\\\.\n", 277},
	{"COPY customers TO STDOUT (NULL 'NULL')",
	 "1\t138 0013-8000\tAnn@Example.org\tAnn\tplain\n"
	 "2\tNULL\ttwo@example.org\t\347\216\213\345\260\217\346\230\216\ttab\\there, nl\\nthere, cr\\rback\\\\slash \"q"
	 "uoted\" 'single' |pipe\n"
	 "3\t+86 13900139000\tNULL\t\t\\\\N\n"
	 "4\t0086 137 0013 7000\ta,b;c|d\"e\"@example.org\t\\b\\f\\v\t\n"
	 "-5\t\t\tNULL\tNULL\n"
	 "9223372036854775807\t13600136000\tlast@example.org\tNULL\t\\\\.\n", 290},
	{"COPY customers TO STDOUT (HEADER)",
	 "id\tphone\temail\tname\tnote\n"
	 "1\t138 0013-8000\tAnn@Example.org\tAnn\tplain\n"
	 "2\t\\N\ttwo@example.org\t\347\216\213\345\260\217\346\230\216\ttab\\there, nl\\nthere, cr\\rback\\\\slash \"qu"
	 "oted\" 'single' |pipe\n"
	 "3\t+86 13900139000\t\\N\t\t\\\\N\n"
	 "4\t0086 137 0013 7000\ta,b;c|d\"e\"@example.org\t\\b\\f\\v\t\n"
	 "-5\t\t\t\\N\t\\N\n"
	 "9223372036854775807\t13600136000\tlast@example.org\tNULL\t\\\\.\n", 307},
	{"COPY customers TO STDOUT (DELIMITER '@')",
	 "1@138 0013-8000@Ann\\@Example.org@Ann@plain\n"
	 "2@\\N@two\\@example.org@\347\216\213\345\260\217\346\230\216@tab\\there, nl\\nthere, cr\\rback\\\\slash \"quot"
	 "ed\" 'single' |pipe\n"
	 "3@+86 13900139000@\\N@@\\\\N\n"
	 "4@0086 137 0013 7000@a,b;c|d\"e\"\\@example.org@\\b\\f\\v@\n"
	 "-5@@@\\N@\\N\n"
	 "9223372036854775807@13600136000@last\\@example.org@NULL@\\\\.\n", 286},
	{"COPY customers TO STDOUT (FORMAT csv)",
	 "1,138 0013-8000,Ann@Example.org,Ann,plain\n"
	 "2,,two@example.org,\347\216\213\345\260\217\346\230\216,\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "3,+86 13900139000,,\"\",\\N\n"
	 "4,0086 137 0013 7000,\"a,b;c|d\"\"e\"\"@example.org\",\010\014\013,\"\"\n"
	 "-5,\"\",\"\",,\n"
	 "9223372036854775807,13600136000,last@example.org,NULL,\\.\n", 281},
	{"COPY customers TO STDOUT (FORMAT csv, HEADER)",
	 "id,phone,email,name,note\n"
	 "1,138 0013-8000,Ann@Example.org,Ann,plain\n"
	 "2,,two@example.org,\347\216\213\345\260\217\346\230\216,\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "3,+86 13900139000,,\"\",\\N\n"
	 "4,0086 137 0013 7000,\"a,b;c|d\"\"e\"\"@example.org\",\010\014\013,\"\"\n"
	 "-5,\"\",\"\",,\n"
	 "9223372036854775807,13600136000,last@example.org,NULL,\\.\n", 306},
	{"COPY customers TO STDOUT (FORMAT csv, DELIMITER ';')",
	 "1;138 0013-8000;Ann@Example.org;Ann;plain\n"
	 "2;;two@example.org;\347\216\213\345\260\217\346\230\216;\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "3;+86 13900139000;;\"\";\\N\n"
	 "4;0086 137 0013 7000;\"a,b;c|d\"\"e\"\"@example.org\";\010\014\013;\"\"\n"
	 "-5;\"\";\"\";;\n"
	 "9223372036854775807;13600136000;last@example.org;NULL;\\.\n", 281},
	{"COPY customers TO STDOUT (FORMAT csv, DELIMITER '1')",
	 "\"1\"1\"138 0013-8000\"1Ann@Example.org1Ann1plain\n"
	 "211two@example.org1\347\216\213\345\260\217\346\230\2161\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "31\"+86 13900139000\"11\"\"1\\N\n"
	 "41\"0086 137 0013 7000\"1\"a,b;c|d\"\"e\"\"@example.org\"1\010\014\0131\"\"\n"
	 "-51\"\"1\"\"11\n"
	 "92233720368547758071\"13600136000\"1last@example.org1NULL1\\.\n", 291},
	{"COPY customers TO STDOUT (FORMAT csv, QUOTE '''')",
	 "1,138 0013-8000,Ann@Example.org,Ann,plain\n"
	 "2,,two@example.org,\347\216\213\345\260\217\346\230\216,'tab\there, nl\n"
	 "there, cr\rback\\slash \"quoted\" ''single'' |pipe'\n"
	 "3,+86 13900139000,,'',\\N\n"
	 "4,0086 137 0013 7000,'a,b;c|d\"e\"@example.org',\010\014\013,''\n"
	 "-5,'','',,\n"
	 "9223372036854775807,13600136000,last@example.org,NULL,\\.\n", 279},
	{"COPY customers TO STDOUT (FORMAT csv, ESCAPE '\\')",
	 "1,138 0013-8000,Ann@Example.org,Ann,plain\n"
	 "2,,two@example.org,\347\216\213\345\260\217\346\230\216,\"tab\there, nl\n"
	 "there, cr\rback\\\\slash \\\"quoted\\\" 'single' |pipe\"\n"
	 "3,+86 13900139000,,\"\",\\N\n"
	 "4,0086 137 0013 7000,\"a,b;c|d\\\"e\\\"@example.org\",\010\014\013,\"\"\n"
	 "-5,\"\",\"\",,\n"
	 "9223372036854775807,13600136000,last@example.org,NULL,\\.\n", 282},
	{"COPY customers TO STDOUT (FORMAT csv, QUOTE '1', ESCAPE '0')",
	 "1011,10138 0000013-80000001,Ann@Example.org,Ann,plain\n"
	 "2,,two@example.org,\347\216\213\345\260\217\346\230\216,1tab\there, nl\n"
	 "there, cr\rback\\slash \"quoted\" 'single' |pipe1\n"
	 "3,1+86 0139000001390000001,,11,\\N\n"
	 "4,1000086 0137 0000013 70000001,1a,b;c|d\"e\"@example.org1,\010\014\013,11\n"
	 "-5,11,11,,\n"
	 "9223372036854775807,10136000001360000001,last@example.org,NULL,\\.\n", 318},
	{"COPY customers TO STDOUT (FORMAT csv, NULL 'NULL')",
	 "1,138 0013-8000,Ann@Example.org,Ann,plain\n"
	 "2,NULL,two@example.org,\347\216\213\345\260\217\346\230\216,\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "3,+86 13900139000,NULL,,\\N\n"
	 "4,0086 137 0013 7000,\"a,b;c|d\"\"e\"\"@example.org\",\010\014\013,\n"
	 "-5,,,NULL,NULL\n"
	 "9223372036854775807,13600136000,last@example.org,\"NULL\",\\.\n", 291},
	{"COPY customers TO STDOUT (FORMAT csv, FORCE_QUOTE *)",
	 "\"1\",\"138 0013-8000\",\"Ann@Example.org\",\"Ann\",\"plain\"\n"
	 "\"2\",,\"two@example.org\",\"\347\216\213\345\260\217\346\230\216\",\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "\"3\",\"+86 13900139000\",,\"\",\"\\N\"\n"
	 "\"4\",\"0086 137 0013 7000\",\"a,b;c|d\"\"e\"\"@example.org\",\"\010\014\013\",\"\"\n"
	 "\"-5\",\"\",\"\",,\n"
	 "\"9223372036854775807\",\"13600136000\",\"last@example.org\",\"NULL\",\"\\.\"\n", 321},
	{"COPY customers TO STDOUT (FORMAT csv, NULL 'x', FORCE_QUOTE (id, email))",
	 "\"1\",138 0013-8000,\"Ann@Example.org\",Ann,plain\n"
	 "\"2\",x,\"two@example.org\",\347\216\213\345\260\217\346\230\216,\"tab\there, nl\n"
	 "there, cr\rback\\slash \"\"quoted\"\" 'single' |pipe\"\n"
	 "\"3\",+86 13900139000,x,,\\N\n"
	 "\"4\",0086 137 0013 7000,\"a,b;c|d\"\"e\"\"@example.org\",\010\014\013,\n"
	 "\"-5\",,\"\",x,x\n"
	 "\"9223372036854775807\",13600136000,\"last@example.org\",NULL,\\.\n", 297},
	{"COPY customers TO STDOUT (FORMAT csv, QUOTE '@', DELIMITER E'\\t', HEADER)",
	 "id\tphone\temail\tname\tnote\n"
	 "1\t138 0013-8000\t@Ann@@Example.org@\tAnn\tplain\n"
	 "2\t\t@two@@example.org@\t\347\216\213\345\260\217\346\230\216\t@tab\there, nl\n"
	 "there, cr\rback\\slash \"quoted\" 'single' |pipe@\n"
	 "3\t+86 13900139000\t\t@@\t\\N\n"
	 "4\t0086 137 0013 7000\t@a,b;c|d\"e\"@@example.org@\t\010\014\013\t@@\n"
	 "-5\t@@\t@@\t\t\n"
	 "9223372036854775807\t13600136000\t@last@@example.org@\tNULL\t\\.\n", 312},
	{"COPY customers TO STDOUT (FORMAT binary)",
	 "PGCOPY\n"
	 "\377\r\n"
	 "\000\000\000\000\000\000\000\000\000\000\005\000\000\000\010\000\000\000\000\000\000\000\001\000\000\000\r138 "
	 "0013-8000\000\000\000\017Ann@Example.org\000\000\000\003Ann\000\000\000\005plain\000\005\000\000\000\010\000\000"
	 "\000\000\000\000\000\002\377\377\377\377\000\000\000\017two@example.org\000\000\000\t\347\216\213\345\260\217\346"
	 "\230\216\000\000\0009tab\there, nl\n"
	 "there, cr\rback\\slash \"quoted\" 'single' |pipe\000\005\000\000\000\010\000\000\000\000\000\000\000\003\000\000"
	 "\000\017+86 13900139000\377\377\377\377\000\000\000\000\000\000\000\002\\N\000\005\000\000\000\010\000\000\000"
	 "\000\000\000\000\004\000\000\000\0220086 137 0013 7000\000\000\000\026a,b;c|d\"e\"@example.org\000\000\000\003"
	 "\010\014\013\000\000\000\000\000\005\000\000\000\010\377\377\377\377\377\377\377\373\000\000\000\000\000\000\000"
	 "\000\377\377\377\377\377\377\377\377\000\005\000\000\000\010\177\377\377\377\377\377\377\377\000\000\000\01313"
	 "600136000\000\000\000\020last@example.org\000\000\000\004NULL\000\000\000\002\\.\377\377", 411},
	{"COPY customers (email, id) TO STDOUT",
	 "Ann@Example.org\t1\n"
	 "two@example.org\t2\n"
	 "\\N\t3\n"
	 "a,b;c|d\"e\"@example.org\t4\n"
	 "\t-5\n"
	 "last@example.org\t9223372036854775807\n", 107},
	{"COPY customers (note, phone, id, name) TO STDOUT",
	 "plain\t138 0013-8000\t1\tAnn\n"
	 "tab\\there, nl\\nthere, cr\\rback\\\\slash \"quoted\" 'single' |pipe\t\\N\t2\t\347\216\213\345\260\217\346\230"
	 "\216\n"
	 "\\\\N\t+86 13900139000\t3\t\n"
	 "\t0086 137 0013 7000\t4\t\\b\\f\\v\n"
	 "\\N\t\t-5\t\\N\n"
	 "\\\\.\t13600136000\t9223372036854775807\tNULL\n", 206},
	{"COPY customers (email, id) TO STDOUT (FORMAT csv)",
	 "Ann@Example.org,1\n"
	 "two@example.org,2\n"
	 ",3\n"
	 "\"a,b;c|d\"\"e\"\"@example.org\",4\n"
	 "\"\",-5\n"
	 "last@example.org,9223372036854775807\n", 111},
	{"COPY customers (note, phone, id, name) TO STDOUT (FORMAT binary)",
	 "PGCOPY\n"
	 "\377\r\n"
	 "\000\000\000\000\000\000\000\000\000\000\004\000\000\000\005plain\000\000\000\r138 0013-8000\000\000\000\010\000"
	 "\000\000\000\000\000\000\001\000\000\000\003Ann\000\004\000\000\0009tab\there, nl\n"
	 "there, cr\rback\\slash \"quoted\" 'single' |pipe\377\377\377\377\000\000\000\010\000\000\000\000\000\000\000\002"
	 "\000\000\000\t\347\216\213\345\260\217\346\230\216\000\004\000\000\000\002\\N\000\000\000\017+86 13900139000\000"
	 "\000\000\010\000\000\000\000\000\000\000\003\000\000\000\000\000\004\000\000\000\000\000\000\000\0220086 137 0"
	 "013 7000\000\000\000\010\000\000\000\000\000\000\000\004\000\000\000\003\010\014\013\000\004\377\377\377\377\000"
	 "\000\000\000\000\000\000\010\377\377\377\377\377\377\377\373\377\377\377\377\000\004\000\000\000\002\\.\000\000"
	 "\000\01313600136000\000\000\000\010\177\377\377\377\377\377\377\377\000\000\000\004NULL\377\377", 319},
};

#endif
