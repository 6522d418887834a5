// Schema+ClientReports: what clients say of their calls and tools, beside the turns and apart from every sum.

extension Schema {
    static let clientReports: [String] = [
        """
        CREATE TABLE client_report (key_id TEXT NOT NULL, request_id TEXT NOT NULL, month TEXT NOT NULL, client TEXT NOT NULL,
        version TEXT NOT NULL, workspace TEXT NOT NULL, team TEXT NOT NULL, owner TEXT NOT NULL, session TEXT, prompt TEXT,
        agent TEXT, sub_agent TEXT, model TEXT, reported_ns BIGINT NOT NULL, client_ns BIGINT NOT NULL, success INTEGER,
        status BIGINT, attempt BIGINT, duration_ms BIGINT, ttft_ms BIGINT, input BIGINT, output BIGINT, cache_read BIGINT,
        cache_write BIGINT, input_is_whole INTEGER NOT NULL, cost BIGINT, turn TEXT, turn_month TEXT, turn_ns BIGINT,
        PRIMARY KEY (key_id, request_id))
        """,
        "CREATE INDEX client_report_time ON client_report (reported_ns)",
        """
        CREATE TABLE client_tool (key_id TEXT NOT NULL, session TEXT NOT NULL, call_id TEXT NOT NULL, month TEXT NOT NULL,
        name TEXT, prompt TEXT, sub_agent TEXT, request_id TEXT, reported_ns BIGINT NOT NULL, success INTEGER,
        duration_ms BIGINT, PRIMARY KEY (key_id, session, call_id))
        """,
        "CREATE INDEX client_tool_session ON client_tool (session)",
    ]
}
