// WorkingPlace: the home, the environment and the repository in which a command was called.

import ClientSetup
import Foundation
import GatewayModel

extension ClientPlace {
    /// Here and now.
    static func current(home: String?, systemRoot: String?, gateway: String?) -> ClientPlace {
        let environment = ProcessInfo.processInfo.environment
        let folder = FileManager.default.currentDirectoryPath
        #if os(macOS)
            let system = SystemKind.macOS
        #else
            let system = SystemKind.linux
        #endif
        return ClientPlace(
            home: home ?? environment["HOME"] ?? NSHomeDirectory(), environment: environment, system: system, workingFolder: folder,
            repository: workingRepository(folder), systemRoot: systemRoot ?? "", gateway: gateway, read: { DiskFiles.read($0) })
    }
}

/// The git repository around a folder; nil when there is none or no git.
func workingRepository(_ folder: String) -> WorkingRepository? {
    guard let root = git(["rev-parse", "--show-toplevel"], in: folder) else { return nil }
    let remote =
        git(["config", "--get", "remote.origin.url"], in: folder)
        ?? git(["remote"], in: folder)?.split(whereSeparator: \.isNewline).first.flatMap {
            git(["config", "--get", "remote.\($0).url"], in: folder)
        }
    return WorkingRepository(
        root: root, label: remote.flatMap(normaliseRepository), branch: git(["symbolic-ref", "--short", "-q", "HEAD"], in: folder))
}

/// What git says; nil when it fails or says nothing.
private func git(_ arguments: [String], in folder: String) -> String? {
    runProgram(["git", "-C", folder] + arguments).flatMap { $0.status == 0 && !$0.output.isEmpty ? $0.output : nil }
}

/// Runs a program and gives its exit code and its output without the last line end; nil when it cannot be started.
func runProgram(_ words: [String], in folder: String? = nil) -> (status: Int32, output: String)? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
}
