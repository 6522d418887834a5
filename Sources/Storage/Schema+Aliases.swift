// Schema+Aliases: what was named (control store), and what the ledger keeps to name turns backwards and to say which client
// leaves which label out.

extension Schema {
    /// Control, version 3.
    static let controlAliases = [
        """
        CREATE TABLE repository_alias (id TEXT NOT NULL PRIMARY KEY, workspace TEXT NOT NULL, kind TEXT NOT NULL,
        key_id TEXT NOT NULL, name TEXT NOT NULL, repository TEXT NOT NULL, created TEXT NOT NULL,
        UNIQUE (workspace, kind, key_id, name))
        """
    ]

    /// Ledger, version 3.
    static let ledgerAliases = [
        // The aliases as far as the journal has been read.
        """
        CREATE TABLE ledger_alias (kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL, repository TEXT NOT NULL,
        PRIMARY KEY (kind, scope, name))
        """,
        // The sessions in which a project had turns that say no repository: where an alias has to look.
        """
        CREATE TABLE project_session (workspace TEXT NOT NULL, project TEXT NOT NULL, session_id BIGINT NOT NULL,
        PRIMARY KEY (workspace, project, session_id))
        """,
        "CREATE INDEX project_session_id ON project_session (session_id)",
        // What a session's own turns say, whatever it is named: the name goes when the alias does.
        "ALTER TABLE session ADD COLUMN own_repository TEXT NOT NULL DEFAULT ''",
        "UPDATE session SET own_repository = repository",
        // `missing` is a sum: 1 developer, 2 repository, 4 session.
        """
        CREATE TABLE client_use (bucket BIGINT NOT NULL, workspace TEXT NOT NULL, client TEXT NOT NULL,
        version TEXT NOT NULL, missing BIGINT NOT NULL, turns BIGINT NOT NULL, unpriced BIGINT NOT NULL,
        cost BIGINT NOT NULL, PRIMARY KEY (bucket, workspace, client, version, missing))
        """,
        // Work on turns that are in the ledger already, and how far it has come; done in small steps.
        """
        CREATE TABLE ledger_task (id BIGINT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, scope TEXT NOT NULL, name TEXT NOT NULL,
        session_id BIGINT NOT NULL, month TEXT NOT NULL, after TEXT NOT NULL)
        """,
        // Turns from before this version are counted by client once.
        "INSERT INTO ledger_task (id, kind, scope, name, session_id, month, after) VALUES (1, 'plan', '', '', 0, '', '')",
    ]
}
