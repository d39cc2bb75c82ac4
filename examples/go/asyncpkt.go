// Package asyncpkt starts servers for tests and steers them. Copy this file into your module.
package asyncpkt

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// JSON is an object, such as a rule or a match.
type JSON = map[string]any

// Request is a request that the server has received. Times are in seconds since its start.
type Request struct {
	Number     int
	Connection int
	ID         any
	Data       string
	Arrived    float64
	Delay      *float64
	Due        *float64 // nil if it is held, or is never answered
	Rule       *int     // the number of its rule
	Fault      *string
	Outcome    string // in_flight, held, answered, error:CODE, dropped or cancelled
	Ended      *float64
}

// Server is a server in a process of its own. Its methods end the test if the server refuses.
type Server struct {
	URL     string // such as ws://127.0.0.1:41233
	Control string // URL of the control API, such as http://127.0.0.1:41233/control
	t       testing.TB
}

// Start starts a server that ends with the test, with flags of asyncpkt serve. The environment
// variable ASYNCPKT is the command line of the program, such as "npx asyncpkt"; without it, the
// program is asyncpkt on the PATH.
func Start(t testing.TB, flags ...string) *Server {
	t.Helper()
	program := os.Getenv("ASYNCPKT")
	if program == "" {
		program = "asyncpkt"
	}
	// Answers in flight are of no use when a test has ended.
	program += " serve --port=0 --control --log-format=json --quiet --exit-with-stdin" +
		" --drain-timeout=1ms"
	words := append(strings.Fields(program), flags...)
	command := exec.Command(words[0], words[1:]...)
	var errors bytes.Buffer
	command.Stderr = &errors
	stdin, err := command.StdinPipe()
	check(t, err)
	stdout, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	t.Cleanup(func() {
		stdin.Close()
		command.Wait()
	})
	line, _ := bufio.NewReader(stdout).ReadBytes('\n')
	server := &Server{t: t}
	if err := json.Unmarshal(line, server); err != nil {
		command.Wait()
		t.Fatalf("asyncpkt does not start: %s", strings.TrimSpace(errors.String()))
	}
	return server
}

// Hold holds the requests that match from now on, until they are released.
func (s *Server) Hold(match JSON) *Hold {
	s.t.Helper()
	hold := &Hold{server: s}
	s.Call("POST", "/hold", JSON{"match": match}, hold)
	return hold
}

// Release answers held requests in this order; without ids, all of them.
func (s *Server) Release(ids ...any) {
	s.t.Helper()
	body := JSON{}
	if len(ids) > 0 {
		body["ids"] = ids
	}
	s.Call("POST", "/release", body, nil)
}

// AddRule adds a rule before all others.
func (s *Server) AddRule(rule JSON) {
	s.t.Helper()
	s.Call("POST", "/rules", rule, nil)
}

// Requests returns the requests of a query, such as "outcome=held"; all for "".
func (s *Server) Requests(query string) (requests []Request) {
	s.t.Helper()
	s.Call("GET", "/requests?"+query, nil, &requests)
	return requests
}

// Received waits for at most five seconds until so many requests have arrived.
func (s *Server) Received(count int) (requests []Request) {
	s.t.Helper()
	s.Call("POST", "/requests/wait", JSON{"count": count, "timeout": 5}, &requests)
	return requests
}

// Advance moves the clock of a server with --clock=manual.
func (s *Server) Advance(d time.Duration) {
	s.t.Helper()
	s.Call("POST", "/clock", JSON{"advance": d.Seconds()}, nil)
}

// AdvanceToNext moves the clock to the next request that is due.
func (s *Server) AdvanceToNext() {
	s.t.Helper()
	s.Call("POST", "/clock", JSON{"to": "next"}, nil)
}

// Set changes settings for the requests that arrive from now on, such as {"delay": "0"}.
func (s *Server) Set(settings JSON) {
	s.t.Helper()
	s.Call("PATCH", "/settings", settings, nil)
}

// Reset drops all requests in flight. Rules, counts, journal and settings are as at the start.
func (s *Server) Reset() {
	s.t.Helper()
	s.Call("POST", "/reset", nil, nil)
}

// Call calls the control API, and decodes the response into result unless that is nil.
func (s *Server) Call(method, path string, body, result any) {
	s.t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		check(s.t, err)
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, s.Control+path, content)
	check(s.t, err)
	if token := os.Getenv("ASYNCPKT_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	check(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(s.t, err)
	if response.StatusCode >= 300 {
		s.t.Fatal(strings.TrimSpace(string(text)))
	}
	if result != nil {
		check(s.t, json.Unmarshal(text, result))
	}
}

// Hold is the requests that match a rule, held until they are released.
type Hold struct {
	Number int // of its rule
	server *Server
}

// Arrived waits for at most five seconds until so many requests are held.
func (h *Hold) Arrived(count int) {
	h.server.t.Helper()
	body := JSON{"count": count, "timeout": 5, "rule": h.Number}
	h.server.Call("POST", "/requests/wait", body, nil)
}

// Release answers requests in this order; without ids, all of them in order of arrival.
func (h *Hold) Release(ids ...any) {
	h.server.t.Helper()
	body := JSON{"rule": h.Number}
	if len(ids) > 0 {
		body["ids"] = ids
	}
	h.server.Call("POST", "/release", body, nil)
}

// Remove holds no more requests.
func (h *Hold) Remove() {
	h.server.t.Helper()
	h.server.Call("DELETE", fmt.Sprintf("/rules/%d", h.Number), nil, nil)
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
