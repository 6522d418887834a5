// Directives: `[sim tool=Bash rounds=1]` in the user's text steers a script where a client can set no header, as real agents cannot.

import Foundation

/// What the user's text asks of the script.
struct Directives {
    /// Tools to call, one a round; the last one goes on.
    var tools: [String] = []
    /// How many rounds of tools come before the answer.
    var rounds: Int?
    /// A word that one more command prints after the rounds: some agents end only by a command.
    var finish: String?
    /// A file that the answer makes, as an edit block for agents that read edits from text.
    var write: String?

    init(in text: String) {
        guard let start = text.range(of: "[sim "), let end = text[start.upperBound...].firstIndex(of: "]") else {
            return
        }
        for word in text[start.upperBound..<end].split(separator: " ") {
            let pair = word.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            switch pair[0] {
            case "tool": tools = pair[1].split(separator: ",").map(String.init)
            case "rounds": rounds = Int(pair[1])
            case "finish": finish = String(pair[1])
            case "write": write = String(pair[1])
            default: break
            }
        }
    }

    /// The tool that a round is to call; nil leaves the choice to the script.
    func tool(round: Int) -> String? { tools.isEmpty ? nil : tools[min(round, tools.count - 1)] }
}
