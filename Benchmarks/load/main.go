// Load: the benchmarks' provider and load generator in one program, with nothing but Go's standard library.
//
//	load serve  -listen 127.0.0.1:0 [-certificate F -key F]
//	load closed -url U [...]   C connections, each sends its next request when the last is answered
//	load paired -direct U -url U -rate R   two open loops side by side: straight to the provider and through a gateway
//	load churn  -url U -count N            opens and closes N connections, one small request on each
//
// Each verb prints one JSON document.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: load serve|closed|paired|churn")
	}
	verb := os.Args[1]
	flags := flag.NewFlagSet(verb, flag.ExitOnError)
	var options Options
	options.register(flags)
	listen := flags.String("listen", "127.0.0.1:0", "address of the provider")
	certificate := flags.String("certificate", "", "PEM certificate: the provider speaks TLS 1.3")
	privateKey := flags.String("private-key", "", "its PEM key")
	_ = flags.Parse(os.Args[2:])
	if options.Threads > 0 {
		runtime.GOMAXPROCS(options.Threads)
	}
	switch verb {
	case "serve":
		serve(*listen, *certificate, *privateKey)
	case "closed":
		print(closedLoop(options))
	case "paired":
		print(pairedLoops(options))
	case "churn":
		print(churn(options))
	default:
		fail("unknown verb " + verb)
	}
}

// Options of the load verbs.
type Options struct {
	URL, Direct, Key          string
	Body, Chunks, Concurrency int
	Count, Threads            int
	Gap                       time.Duration
	Rate                      float64
	Verify                    string
	Usage                     bool
}

func (o *Options) register(flags *flag.FlagSet) {
	flags.StringVar(&o.URL, "url", "", "origin of the target")
	flags.StringVar(&o.Direct, "direct", "", "origin of the provider itself (paired)")
	flags.StringVar(&o.Key, "api-key", "none", "bearer key")
	flags.IntVar(&o.Body, "body", 2048, "bytes of the request body")
	flags.IntVar(&o.Chunks, "chunks", 0, "events of a stream; 0 asks for one JSON answer")
	flags.DurationVar(&o.Gap, "gap", 0, "time between two events")
	flags.IntVar(&o.Concurrency, "concurrency", 16, "connections")
	flags.IntVar(&o.Count, "count", 100, "requests in all")
	flags.Float64Var(&o.Rate, "rate", 100, "requests a second of each arm (paired)")
	flags.StringVar(&o.Verify, "verify", "bytes", "bytes: the answer must equal what the provider sent; events: it must hold every event")
	flags.BoolVar(&o.Usage, "usage", true, "the client asks for the usage event itself")
	flags.IntVar(&o.Threads, "threads", 0, "GOMAXPROCS")
}

func print(document interface{}) {
	text, err := json.Marshal(document)
	if err != nil {
		fail(err.Error())
	}
	fmt.Println(string(text))
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(1)
}
