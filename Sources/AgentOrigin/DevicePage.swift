// DevicePage: the one page that a person sees: it needs nothing from elsewhere, runs no script, and cannot be framed.

import Crypto
import Foundation
import Proxy
import Storage

enum DevicePage {
    private static let style = """
        body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem;color:#1a1a1a;background:#fff}
        label{display:block;margin:1rem 0 .25rem}
        input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #767676;border-radius:4px}
        button{font:inherit;margin-top:1.25rem;padding:.5rem 1.25rem;border:0;border-radius:4px;background:#1d4ed8;color:#fff}
        .note{color:#555}
        @media(prefers-color-scheme:dark){body{color:#eee;background:#161616}.note{color:#aaa}input{background:#222;color:#eee}}
        """

    /// The style is the only thing that the browser may use, and it is named by its hash.
    private static let policy =
        "default-src 'none'; style-src 'sha256-\(Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString())'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    /// - Parameter userCode: filled in already; only ever one that a login waits under.
    static func form(userCode: String, grant: DeviceGrantRow?) -> OriginAnswer {
        let about =
            grant.map { "<p>The login was begun by <b>\(escaped($0.client))</b> from <b>\(escaped($0.peer))</b>.</p>" } ?? ""
        return answer(
            200, "Log in to Weir",
            """
            <p>Enter the code that your terminal shows, and your invitation.</p>
            \(about)
            <form method="post" action="/device" autocomplete="off">
            <label for="user_code">Code</label>
            <input id="user_code" name="user_code" value="\(escaped(userCode))" required maxlength="32" spellcheck="false">
            <label for="invitation">Invitation</label>
            <input id="invitation" name="invitation" required maxlength="64" spellcheck="false">
            <button type="submit">Log in</button>
            </form>
            <p class="note">Go on only if you began this login yourself: whoever began it gets a key in your name.</p>
            <p class="note">No invitation? Tell the code to your platform team; they approve it.</p>
            """)
    }

    static func result(status: Int, words: String) -> OriginAnswer {
        let back = status == 200 ? "" : #"<p><a href="/device">Try again</a></p>"#
        return answer(status, status == 200 ? "Logged in" : "Not logged in", "<p>\(escaped(words))</p>\(back)")
    }

    private static func answer(_ status: Int, _ title: String, _ content: String) -> OriginAnswer {
        let html = """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>\(title)</title><style>\(style)</style></head>
            <body><h1>\(title)</h1>
            \(content)
            </body></html>

            """
        return OriginAnswer(
            status: status,
            headers: [
                ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", policy), ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
            ], body: Array(html.utf8))
    }

    private static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            default: out.append(character)
            }
        }
        return out
    }
}
