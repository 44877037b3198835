/* sql_command_tag: the command tag of a statement, as the server's CreateCommandTag gives it, from libpg_query's node names. For people
 * ("CREATE TABLE is refused"): no decision is taken by it. Input: a tree of hostile text; only words of this file come out. No I/O.
 */
#include "sql_command_int.h"

#include <stdio.h>

/* With a member, `words` is followed by the kind of object that the member names ("OBJECT_TABLE"). */
static const struct {
	const char *node, *words, *member;
} tag_nodes[] = {
	{"SelectStmt", "SELECT", NULL},
	{"InsertStmt", "INSERT", NULL},
	{"UpdateStmt", "UPDATE", NULL},
	{"DeleteStmt", "DELETE", NULL},
	{"MergeStmt", "MERGE", NULL},
	{"PrepareStmt", "PREPARE", NULL},
	{"ExecuteStmt", "EXECUTE", NULL},
	{"DeclareCursorStmt", "DECLARE CURSOR", NULL},
	{"CopyStmt", "COPY", NULL},
	{"ExplainStmt", "EXPLAIN", NULL},
	{"VariableShowStmt", "SHOW", NULL},
	{"ListenStmt", "LISTEN", NULL},
	{"UnlistenStmt", "UNLISTEN", NULL},
	{"NotifyStmt", "NOTIFY", NULL},
	{"LockStmt", "LOCK TABLE", NULL},
	{"DoStmt", "DO", NULL},
	{"CallStmt", "CALL", NULL},
	{"TruncateStmt", "TRUNCATE TABLE", NULL},
	{"CreateStmt", "CREATE TABLE", NULL},
	{"CreateForeignTableStmt", "CREATE FOREIGN TABLE", NULL},
	{"CreateSchemaStmt", "CREATE SCHEMA", NULL},
	{"ViewStmt", "CREATE VIEW", NULL},
	{"IndexStmt", "CREATE INDEX", NULL},
	{"RuleStmt", "CREATE RULE", NULL},
	{"CreateSeqStmt", "CREATE SEQUENCE", NULL},
	{"CreateDomainStmt", "CREATE DOMAIN", NULL},
	{"CompositeTypeStmt", "CREATE TYPE", NULL},
	{"CreateEnumStmt", "CREATE TYPE", NULL},
	{"CreateRangeStmt", "CREATE TYPE", NULL},
	{"CreateTrigStmt", "CREATE TRIGGER", NULL},
	{"CreateEventTrigStmt", "CREATE EVENT TRIGGER", NULL},
	{"CreatePLangStmt", "CREATE LANGUAGE", NULL},
	{"CreateRoleStmt", "CREATE ROLE", NULL},
	{"CreatedbStmt", "CREATE DATABASE", NULL},
	{"CreateTableSpaceStmt", "CREATE TABLESPACE", NULL},
	{"CreateExtensionStmt", "CREATE EXTENSION", NULL},
	{"CreateFdwStmt", "CREATE FOREIGN DATA WRAPPER", NULL},
	{"CreateForeignServerStmt", "CREATE SERVER", NULL},
	{"CreateUserMappingStmt", "CREATE USER MAPPING", NULL},
	{"CreatePolicyStmt", "CREATE POLICY", NULL},
	{"CreatePublicationStmt", "CREATE PUBLICATION", NULL},
	{"CreateSubscriptionStmt", "CREATE SUBSCRIPTION", NULL},
	{"CreateStatsStmt", "CREATE STATISTICS", NULL},
	{"CreateAmStmt", "CREATE ACCESS METHOD", NULL},
	{"CreateCastStmt", "CREATE CAST", NULL},
	{"CreateConversionStmt", "CREATE CONVERSION", NULL},
	{"CreateOpClassStmt", "CREATE OPERATOR CLASS", NULL},
	{"CreateOpFamilyStmt", "CREATE OPERATOR FAMILY", NULL},
	{"CreateTransformStmt", "CREATE TRANSFORM", NULL},
	{"CreateFunctionStmt", "CREATE FUNCTION", NULL},
	{"DefineStmt", "CREATE", "kind"},
	{"DropStmt", "DROP", "removeType"},
	{"DropRoleStmt", "DROP ROLE", NULL},
	{"DropdbStmt", "DROP DATABASE", NULL},
	{"DropTableSpaceStmt", "DROP TABLESPACE", NULL},
	{"DropUserMappingStmt", "DROP USER MAPPING", NULL},
	{"DropSubscriptionStmt", "DROP SUBSCRIPTION", NULL},
	{"DropOwnedStmt", "DROP OWNED", NULL},
	{"ReassignOwnedStmt", "REASSIGN OWNED", NULL},
	{"AlterTableStmt", "ALTER", "objtype"},
	{"RenameStmt", "ALTER", "renameType"},
	{"AlterObjectSchemaStmt", "ALTER", "objectType"},
	{"AlterObjectDependsStmt", "ALTER", "objectType"},
	{"AlterOwnerStmt", "ALTER", "objectType"},
	{"AlterTableMoveAllStmt", "ALTER", "objtype"},
	{"AlterDomainStmt", "ALTER DOMAIN", NULL},
	{"AlterFunctionStmt", "ALTER", "objtype"},
	{"AlterSeqStmt", "ALTER SEQUENCE", NULL},
	{"AlterEnumStmt", "ALTER TYPE", NULL},
	{"AlterTypeStmt", "ALTER TYPE", NULL},
	{"AlterRoleStmt", "ALTER ROLE", NULL},
	{"AlterRoleSetStmt", "ALTER ROLE", NULL},
	{"AlterDatabaseStmt", "ALTER DATABASE", NULL},
	{"AlterDatabaseSetStmt", "ALTER DATABASE", NULL},
	{"AlterDatabaseRefreshCollStmt", "ALTER DATABASE", NULL},
	{"AlterDefaultPrivilegesStmt", "ALTER DEFAULT PRIVILEGES", NULL},
	{"AlterSystemStmt", "ALTER SYSTEM", NULL},
	{"AlterPolicyStmt", "ALTER POLICY", NULL},
	{"AlterPublicationStmt", "ALTER PUBLICATION", NULL},
	{"AlterSubscriptionStmt", "ALTER SUBSCRIPTION", NULL},
	{"AlterStatsStmt", "ALTER STATISTICS", NULL},
	{"AlterTableSpaceOptionsStmt", "ALTER TABLESPACE", NULL},
	{"AlterExtensionStmt", "ALTER EXTENSION", NULL},
	{"AlterExtensionContentsStmt", "ALTER EXTENSION", NULL},
	{"AlterFdwStmt", "ALTER FOREIGN DATA WRAPPER", NULL},
	{"AlterForeignServerStmt", "ALTER SERVER", NULL},
	{"AlterUserMappingStmt", "ALTER USER MAPPING", NULL},
	{"AlterEventTrigStmt", "ALTER EVENT TRIGGER", NULL},
	{"AlterCollationStmt", "ALTER COLLATION", NULL},
	{"AlterOperatorStmt", "ALTER OPERATOR", NULL},
	{"AlterOpFamilyStmt", "ALTER OPERATOR FAMILY", NULL},
	{"AlterTSConfigurationStmt", "ALTER TEXT SEARCH CONFIGURATION", NULL},
	{"AlterTSDictionaryStmt", "ALTER TEXT SEARCH DICTIONARY", NULL},
	{"ReplicaIdentityStmt", "ALTER TABLE", NULL},
	{"ImportForeignSchemaStmt", "IMPORT FOREIGN SCHEMA", NULL},
	{"CommentStmt", "COMMENT", NULL},
	{"SecLabelStmt", "SECURITY LABEL", NULL},
	{"RefreshMatViewStmt", "REFRESH MATERIALIZED VIEW", NULL},
	{"ReindexStmt", "REINDEX", NULL},
	{"ClusterStmt", "CLUSTER", NULL},
	{"CheckPointStmt", "CHECKPOINT", NULL},
	{"ConstraintsSetStmt", "SET CONSTRAINTS", NULL},
	{"LoadStmt", "LOAD", NULL},
};

/* Kinds of objects whose words are not their names in the tree. */
static const struct {
	const char *object, *words;
} tag_objects[] = {
	{"OBJECT_ATTRIBUTE", "TYPE"},
	{"OBJECT_COLUMN", "TABLE"},
	{"OBJECT_TABCONSTRAINT", "TABLE"},
	{"OBJECT_DOMCONSTRAINT", "DOMAIN"},
	{"OBJECT_FDW", "FOREIGN DATA WRAPPER"},
	{"OBJECT_FOREIGN_SERVER", "SERVER"},
	{"OBJECT_LARGEOBJECT", "LARGE OBJECT"},
	{"OBJECT_MATVIEW", "MATERIALIZED VIEW"},
	{"OBJECT_OPCLASS", "OPERATOR CLASS"},
	{"OBJECT_OPFAMILY", "OPERATOR FAMILY"},
	{"OBJECT_STATISTIC_EXT", "STATISTICS"},
	{"OBJECT_TSCONFIGURATION", "TEXT SEARCH CONFIGURATION"},
	{"OBJECT_TSDICTIONARY", "TEXT SEARCH DICTIONARY"},
	{"OBJECT_TSPARSER", "TEXT SEARCH PARSER"},
	{"OBJECT_TSTEMPLATE", "TEXT SEARCH TEMPLATE"},
};

static void
tag_object(const char *verb, const char *object, char *dst, size_t size)
{
	for (size_t i = 0; object && i < BASE_COUNT(tag_objects); i++) {
		if (strcmp(object, tag_objects[i].object) == 0) {
			(void)snprintf(dst, size, "%s %s", verb, tag_objects[i].words);
			return;
		}
	}
	bool known = object && strncmp(object, "OBJECT_", 7) == 0;
	(void)snprintf(dst, size, "%s%s%s", verb, known ? " " : "", known ? object + 7 : "");
	for (char *p = dst; *p; p++)
		if (*p == '_')
			*p = ' ';
}

/* Those whose words depend on more than one member of the node. */
static const char *
tag_special(json_t *wrapped)
{
	static const char *const transactions[][2] = {
		{"TRANS_STMT_BEGIN", "BEGIN"}, {"TRANS_STMT_START", "START TRANSACTION"}, {"TRANS_STMT_COMMIT", "COMMIT"},
		{"TRANS_STMT_ROLLBACK", "ROLLBACK"}, {"TRANS_STMT_SAVEPOINT", "SAVEPOINT"}, {"TRANS_STMT_RELEASE", "RELEASE"},
		{"TRANS_STMT_ROLLBACK_TO", "ROLLBACK"}, {"TRANS_STMT_PREPARE", "PREPARE TRANSACTION"},
		{"TRANS_STMT_COMMIT_PREPARED", "COMMIT PREPARED"}, {"TRANS_STMT_ROLLBACK_PREPARED", "ROLLBACK PREPARED"}};
	static const char *const discards[][2] = {{"DISCARD_ALL", "DISCARD ALL"}, {"DISCARD_PLANS", "DISCARD PLANS"},
	                                          {"DISCARD_SEQUENCES", "DISCARD SEQUENCES"}, {"DISCARD_TEMP", "DISCARD TEMP"}};
	json_t *node;
	if ((node = json_object_get(wrapped, "TransactionStmt")) != NULL) {
		const char *kind = json_string_value(json_object_get(node, "kind"));
		for (size_t i = 0; kind && i < BASE_COUNT(transactions); i++)
			if (strcmp(kind, transactions[i][0]) == 0)
				return transactions[i][1];
		return "TRANSACTION";
	}
	if ((node = json_object_get(wrapped, "DiscardStmt")) != NULL) {
		const char *target = json_string_value(json_object_get(node, "target"));
		for (size_t i = 0; target && i < BASE_COUNT(discards); i++)
			if (strcmp(target, discards[i][0]) == 0)
				return discards[i][1];
		return "DISCARD";
	}
	if ((node = json_object_get(wrapped, "VariableSetStmt")) != NULL) {
		const char *kind = json_string_value(json_object_get(node, "kind"));
		return kind && strncmp(kind, "VAR_RESET", 9) == 0 ? "RESET" : "SET";
	}
	if ((node = json_object_get(wrapped, "FetchStmt")) != NULL)
		return json_is_true(json_object_get(node, "ismove")) ? "MOVE" : "FETCH";
	if ((node = json_object_get(wrapped, "DeallocateStmt")) != NULL)
		return json_object_get(node, "name") ? "DEALLOCATE" : "DEALLOCATE ALL";
	if ((node = json_object_get(wrapped, "ClosePortalStmt")) != NULL)
		return json_object_get(node, "portalname") ? "CLOSE CURSOR" : "CLOSE CURSOR ALL";
	if ((node = json_object_get(wrapped, "GrantStmt")) != NULL)
		return json_is_true(json_object_get(node, "is_grant")) ? "GRANT" : "REVOKE";
	if ((node = json_object_get(wrapped, "GrantRoleStmt")) != NULL)
		return json_is_true(json_object_get(node, "is_grant")) ? "GRANT ROLE" : "REVOKE ROLE";
	if ((node = json_object_get(wrapped, "VacuumStmt")) != NULL)
		return json_is_true(json_object_get(node, "is_vacuumcmd")) ? "VACUUM" : "ANALYZE";
	if ((node = json_object_get(wrapped, "CreateTableAsStmt")) != NULL) {
		const char *type = json_string_value(json_object_get(node, "objtype"));
		return type && strcmp(type, "OBJECT_MATVIEW") == 0 ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS";
	}
	if ((node = json_object_get(wrapped, "CreateFunctionStmt")) != NULL && json_is_true(json_object_get(node, "is_procedure")))
		return "CREATE PROCEDURE";
	return NULL;
}

void
command_tag(json_t *wrapped, char *dst, size_t size)
{
	const char *words = tag_special(wrapped);
	if (words) {
		(void)snprintf(dst, size, "%s", words);
		return;
	}
	for (size_t i = 0; i < BASE_COUNT(tag_nodes); i++) {
		json_t *node = json_object_get(wrapped, tag_nodes[i].node);
		if (!node)
			continue;
		if (tag_nodes[i].member)
			tag_object(tag_nodes[i].words, json_string_value(json_object_get(node, tag_nodes[i].member)), dst, size);
		else
			(void)snprintf(dst, size, "%s", tag_nodes[i].words);
		return;
	}
	(void)snprintf(dst, size, "%s", "UNKNOWN COMMAND");
}
