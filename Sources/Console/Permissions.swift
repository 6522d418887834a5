// Permissions: what each route asks of its caller. The socket's file mode is the permission today; sign-in will ask this table.

/// From method and route template to `resource:verb`. A route without a row is not registered.
package let routePermissions: [String: String] = [
    "GET /api/v1/status": "status:read",
    "GET /api/v1/teams": "team:read",
    "POST /api/v1/teams": "team:create",
    "GET /api/v1/developers": "developer:read",
    "POST /api/v1/developers": "developer:create",
    "GET /api/v1/service-accounts": "service_account:read",
    "POST /api/v1/service-accounts": "service_account:create",
    "GET /api/v1/keys": "key:read",
    "POST /api/v1/keys": "key:create",
    "GET /api/v1/keys/{id}": "key:read",
    "PATCH /api/v1/keys/{id}": "key:update",
    "POST /api/v1/keys/{id}/rotate": "key:rotate",
    "POST /api/v1/keys/{id}/revoke": "key:revoke",
    "GET /api/v1/prices/unpriced": "price:read",
    "POST /api/v1/prices": "price:import",
    "POST /api/v1/prices/rerate": "price:rerate",
    "GET /api/v1/reports/spend": "report:read",
    "GET /api/v1/sessions": "session:read",
    "GET /api/v1/sessions/{id}": "session:read",
    "GET /api/v1/turns": "turn:read",
    "GET /api/v1/turns/{id}": "turn:read",
    "GET /api/v1/tail": "turn:read",
    "POST /api/v1/config/reload": "config:reload",
]
