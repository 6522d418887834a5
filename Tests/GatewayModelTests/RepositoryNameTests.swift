// One spelling for a remote, no credential in it, and nothing that is no remote.

import GatewayModel
import Testing

@Suite struct RepositoryNameTests {
    @Test(arguments: [
        "github.com/acme/shop", "https://github.com/acme/shop", "https://github.com/acme/shop.git",
        "https://github.com/acme/shop/", "https://github.com/acme/shop.git/", "http://GitHub.COM/acme/shop",
        "HTTPS://github.com/acme/shop", "https://user:secret@github.com/acme/shop.git",
        "https://x-access-token:ghp_a@b:c@github.com/acme/shop", "git@github.com:acme/shop.git",
        "git@GITHUB.com:acme/shop",
        "github.com:acme/shop", "ssh://git@github.com/acme/shop.git", "ssh://git@github.com:22/acme/shop.git",
        "https://github.com:443/acme/shop", "git://github.com/acme/shop", "git+ssh://git@github.com/acme/shop",
        "https://github.com//acme/shop", "https://github.com/acme/shop?token=secret",
        "https://github.com/acme/shop#readme", "https://github.com:/acme/shop",
    ])
    func everySpellingIsTheSame(_ text: String) {
        #expect(normaliseRepository(text) == "github.com/acme/shop")
    }

    @Test(arguments: [
        ("https://gitlab.example.com:8443/group/sub/shop.git", "gitlab.example.com:8443/group/sub/shop"),
        ("ssh://git@git.example.com:2222/acme/shop", "git.example.com:2222/acme/shop"),
        ("https://dev.azure.com/org/project/_git/repo", "dev.azure.com/org/project/_git/repo"),
        ("git@10.0.0.5:acme/Shop.git", "10.0.0.5/acme/Shop"),
        ("http://localhost:3000/acme/shop", "localhost:3000/acme/shop"),
        ("git@github.com:acme/shop.git.git", "github.com/acme/shop.git"),
    ])
    func hostsPortsAndGroupsAreKept(_ text: String, _ name: String) {
        #expect(normaliseRepository(text) == name)
    }

    @Test(arguments: [
        "", "/home/me/shop", "./shop", "../shop", "~/shop", "C:\\work\\shop", "C:/work/shop", "file:///home/me/shop",
        "ftp://github.com/a/b", "shop", "acme/shop", "github.com", "https://github.com", "https://github.com/",
        "https://github.com/.git", "https:///acme/shop", "https://user:pass@/acme/shop", "https://github.com/../etc",
        "https://github.com/acme/./shop", "https://github.com/acme//shop", "git@github.com:acme/shop extra",
        "https://github.com/a\nb", "https://github.com/a\u{0}b", "https://git\u{E9}.com/a/b",
        "https://user:se/cret@github.com/acme/shop", "https://a.b:1/x@github.com/acme",
        "https://github.com:port/acme/shop",
        "https://-/a", "https://.com/a", "https://github.com./a/b", "javascript:alert(1)", "https://github.com/a\\b",
    ])
    func whatIsNoRemoteGivesNone(_ text: String) {
        #expect(normaliseRepository(text) == nil)
    }

    @Test func lengthIsLimited() {
        #expect(normaliseRepository("https://github.com/acme/" + String(repeating: "x", count: 150)) != nil)
        #expect(normaliseRepository("https://github.com/acme/" + String(repeating: "x", count: 300)) == nil)
        #expect(normaliseRepository(String(repeating: "x", count: 10_000)) == nil)
    }

    @Test func normalisingTwiceIsNormalisingOnce() throws {
        for text in ["https://u:p@GitHub.com/acme/shop.git", "git@git.example.com:a/b/c", "https://h.example:8443/x/y"] {
            let once = try #require(normaliseRepository(text))
            #expect(normaliseRepository(once) == once || once.contains(":"))
            #expect(!once.contains("@"))
        }
    }

    @Test func aLabelMayLackItsHost() {
        #expect(repositoryLabel("acme/shop") == "acme/shop")
        #expect(repositoryLabel("git@github.com:acme/shop") == "github.com/acme/shop")
        for bad in ["", "a//b", "../x", "a b", "a/b/c/d/e", "é", "/abs"] {
            #expect(repositoryLabel(bad) == nil, "\(bad)")
        }
    }
}
