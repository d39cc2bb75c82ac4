package websocket

import (
	"asyncpkt"
	"context"
	"flag"
	"testing"
	"time"
)

var naive = flag.Bool("naive", false, "test the naive client")

// client is what the tests need of the client under test.
type client interface {
	Request(ctx context.Context, data string) (string, error)
	Close() error
}

// dial connects the client under test.
func dial(t *testing.T, url string) (client client) {
	t.Helper()
	var err error
	if *naive {
		client, err = DialNaive(url)
	} else {
		client, err = Dial(url)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// start sends a request while the test goes on, and returns a function that waits for the answer.
func start(client client, data string) func() string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	result := make(chan string, 1)
	go func() {
		defer cancel()
		answer, err := client.Request(ctx, data)
		if err != nil {
			answer = err.Error()
		}
		result <- answer
	}()
	return func() string { return <-result }
}

func TestAnswersArriveInAnotherOrder(t *testing.T) {
	server := asyncpkt.Start(t)
	door := server.Hold(asyncpkt.JSON{"data": "Door&&id&&1"})
	hub := server.Hold(asyncpkt.JSON{"data": "Hub&&id&&2"})
	client := dial(t, server.URL)
	doorAnswer := start(client, "Door&&id&&1")
	door.Arrived(1)
	hubAnswer := start(client, "Hub&&id&&2")
	hub.Arrived(1)
	hub.Release()
	door.Release()
	if got, want := doorAnswer(), `{"Door":{"id":"1"}}`; got != want {
		t.Errorf("a request got the answer of another: got %s, want %s", got, want)
	}
	if got, want := hubAnswer(), `{"Hub":{"id":"2"}}`; got != want {
		t.Errorf("a request got the answer of another: got %s, want %s", got, want)
	}
}

func TestAnAnswerArrivesTwice(t *testing.T) {
	server := asyncpkt.Start(t, "--delay=0")
	server.AddRule(asyncpkt.JSON{"match": asyncpkt.JSON{"nth": 1}, "fault": "duplicate"})
	client := dial(t, server.URL)
	start(client, "Door&&id&&1")()
	if got, want := start(client, "Hub&&id&&2")(), `{"Hub":{"id":"2"}}`; got != want {
		t.Errorf("a request got the second copy of an answer: got %s, want %s", got, want)
	}
}
