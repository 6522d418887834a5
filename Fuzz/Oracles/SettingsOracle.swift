// SettingsOracle: what must hold of the editors of configuration files for any bytes.

import ClientSetup

/// The first byte chooses the format, the rest is the file. Refusing it is fine; a file that is taken must hold what was set, change no
/// more the second time, come back to the byte, and stay readable when the member is taken out again.
package func checkSettings(_ bytes: [UInt8]) -> Finding? {
    guard let first = bytes.first else { return nil }
    let file = Array(bytes.dropFirst())
    let formats: [FileFormat] = [.json, .toml, .yaml, .dotenv, .block]
    let format = formats[Int(first) % formats.count]
    let paths: [[String]] =
        switch format {
        case .json, .toml: [["model"], ["provider", "weir", "url"], ["env", "A B"]]
        case .yaml: [["model"], ["models", "name=Weir"], ["a", "b", "c"]]
        case .dotenv: [["KEY"]]
        case .block, .whole: [[]]
        }
    for path in paths {
        do {
            if let finding = try check(file, format, path) { return "\(format) \(path): \(finding)" }
        } catch let fault as MalformedFile {
            let lines = file.reduce(1) { $1 == 10 ? $0 + 1 : $0 }
            if fault.line < 1 || fault.line > lines { return "\(format) \(path): line \(fault.line) of \(lines)" }
        } catch {
            return "\(error)"
        }
    }
    return nil
}

private func check(_ file: [UInt8], _ format: FileFormat, _ path: [String]) throws -> Finding? {
    let value: SettingValue = path.last?.contains("=") == true ? ["url": "https://gw.example/v1"] : "https://gw.example/v1"
    let edit = FileEdit("f", format, [.set(path, value)])
    let change = try edit.change(from: file)
    guard let again = try? edit.change(from: change.after), again.isSame else { return "the second time changes something" }
    var record = UndoRecord(client: "c", gateway: "g")
    do throws(MalformedFile) {
        try record.add(change, modeBefore: nil)
        if let undone = try record.files.first?.step(current: change.after).step, undone != .write(file), !change.isSame {
            return "undoing does not give the file back"
        }
        let removed = try FileEdit("f", format, [.remove(path)]).change(from: change.after)
        _ = try format.parse(removed.after)
    } catch {
        return "what was written cannot be read: \(error)"
    }
    return nil
}
