// ControlStore+Logins: invitations and device grants. What must happen once is one conditional update in one transaction.

import GRDB

extension ControlStore {
    // MARK: Invitations

    package func invitations() throws -> [InvitationRow] {
        try pool.read { try Row.fetchAll($0, sql: "SELECT * FROM invitation ORDER BY created DESC, id").map(Self.invitation) }
    }

    package func invitation(mac: String) throws -> InvitationRow? {
        try pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM invitation WHERE mac = ?", arguments: [mac]).map(Self.invitation)
        }
    }

    package func insert(invitation row: InvitationRow) throws {
        try transaction { database in
            try database.execute(
                sql: """
                    INSERT INTO invitation (id, mac, developer, team, email, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [row.id, row.mac, row.developer, row.team, row.email, row.created, row.expires])
        }
    }

    /// False when it was used or revoked before.
    package func revokeInvitation(_ id: String, at time: String) throws -> Bool {
        try transaction { database in
            try database.execute(
                sql: "UPDATE invitation SET revoked = ? WHERE id = ? AND used IS NULL AND revoked IS NULL", arguments: [time, id])
            return database.changesCount == 1
        }
    }

    private static func invitation(_ row: Row) -> InvitationRow {
        InvitationRow(
            id: row["id"], mac: row["mac"], developer: row["developer"], team: row["team"], email: row["email"],
            created: row["created"], expires: row["expires"], used: row["used"], revoked: row["revoked"])
    }

    // MARK: Device grants

    /// The grants whose time has not run out.
    package func deviceGrants(after now: String) throws -> [DeviceGrantRow] {
        try pool.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM device_grant WHERE expires > ? ORDER BY created, id", arguments: [now]
            ).compactMap(Self.grant)
        }
    }

    package func deviceGrant(userMAC: String) throws -> DeviceGrantRow? {
        try pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM device_grant WHERE user_mac = ?", arguments: [userMAC]).flatMap(Self.grant)
        }
    }

    package func deviceGrant(deviceMAC: String) throws -> DeviceGrantRow? {
        try pool.read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM device_grant WHERE device_mac = ?", arguments: [deviceMAC])
                .flatMap(Self.grant)
        }
    }

    /// Stores a new grant, unless as many wait as may. Grants that ran out before `keptSince` are forgotten.
    package func insert(
        grant row: DeviceGrantRow, keptSince: String, pendingMax: Int, pendingOfPeerMax: Int
    ) throws -> Bool {
        try transaction { database in
            try database.execute(sql: "DELETE FROM device_grant WHERE expires <= ?", arguments: [keptSince])
            let pending = "SELECT COUNT(*) FROM device_grant WHERE status = 'pending' AND expires > ?"
            let all = try Int.fetchOne(database, sql: pending, arguments: [row.created]) ?? 0
            let ofPeer = try Int.fetchOne(database, sql: "\(pending) AND peer = ?", arguments: [row.created, row.peer]) ?? 0
            guard all < pendingMax, ofPeer < pendingOfPeerMax else { return false }
            try database.execute(
                sql: """
                    INSERT INTO device_grant (id, device_mac, user_mac, status, client, peer, created, expires, attempts)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    row.id, row.deviceMAC, row.userMAC, row.status.rawValue, row.client, row.peer, row.created, row.expires,
                    row.attempts,
                ])
            return true
        }
    }

    /// Counts a wrong proof. At the last one the grant is denied. Gives the grant as it is now.
    package func countAttempt(grant id: String, attemptsMax: Int) throws -> DeviceGrantRow? {
        try transaction { database in
            try database.execute(
                sql: """
                    UPDATE device_grant SET attempts = attempts + 1,
                    status = CASE WHEN attempts + 1 >= ? THEN 'denied' ELSE status END,
                    decided_by = CASE WHEN attempts + 1 >= ? THEN 'attempts' ELSE decided_by END
                    WHERE id = ? AND status = 'pending'
                    """, arguments: [attemptsMax, attemptsMax, id])
            return try Row.fetchOne(database, sql: "SELECT * FROM device_grant WHERE id = ?", arguments: [id]).flatMap(Self.grant)
        }
    }

    /// Approves or denies a pending grant, and uses the invitation up that it was decided by. False when either was no longer
    /// to be had; then nothing has changed.
    package func decide(grant row: DeviceGrantRow, usingUp invitation: String?, at time: String) throws -> Bool {
        try transaction { database in
            if let invitation {
                let isOpen = try Bool.fetchOne(
                    database, sql: "SELECT EXISTS (SELECT 1 FROM invitation WHERE id = ? AND used IS NULL AND revoked IS NULL)",
                    arguments: [invitation])
                guard isOpen == true else { return false }
            }
            try database.execute(
                sql: """
                    UPDATE device_grant SET status = ?, developer = ?, team = ?, decided_by = ?
                    WHERE id = ? AND status = 'pending'
                    """, arguments: [row.status.rawValue, row.developer, row.team, row.decidedBy, row.id])
            guard database.changesCount == 1 else { return false }
            if let invitation {
                try database.execute(sql: "UPDATE invitation SET used = ? WHERE id = ?", arguments: [time, invitation])
            }
            return true
        }
    }

    /// Turns an approved grant into its key: both or neither. False when it was no longer approved.
    package func redeem(grant id: String, key: KeyRow) throws -> Bool {
        try transaction { database in
            try database.execute(
                sql: "UPDATE device_grant SET status = 'used', key_id = ? WHERE id = ? AND status = 'approved'",
                arguments: [key.keyID, id])
            guard database.changesCount == 1 else { return false }
            try Self.save(key, database)
            return true
        }
    }

    private static func grant(_ row: Row) -> DeviceGrantRow? {
        guard let status = DeviceGrantRow.Status(rawValue: row["status"]) else { return nil }
        return DeviceGrantRow(
            id: row["id"], deviceMAC: row["device_mac"], userMAC: row["user_mac"], status: status, client: row["client"],
            peer: row["peer"], created: row["created"], expires: row["expires"], attempts: row["attempts"],
            developer: row["developer"], team: row["team"], decidedBy: row["decided_by"], keyID: row["key_id"])
    }
}
