package asyncpkt

import (
	"bufio"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

const packets = `[{"request_id":"A","data":"Door&&id&&1"},{"request_id":"B","data":"Hub&&id&&2"}]`

// post is the client under test: it posts packets, and returns the answers in their order.
func post(url, packets string) ([]string, error) {
	url = strings.Replace(url, "ws", "http", 1)
	response, err := http.Post(url, "application/json", strings.NewReader(packets))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var answers []string
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		answers = append(answers, lines.Text())
	}
	return answers, nil
}

// start posts packets while the test goes on, and returns a function that waits for the answers.
func start(t *testing.T, url, packets string) func() []string {
	result := make(chan []string, 1)
	go func() {
		answers, err := post(url, packets)
		if err != nil {
			answers = []string{err.Error()}
		}
		result <- answers
	}()
	return func() []string { return <-result }
}

func TestAnswersArriveInAnotherOrder(t *testing.T) {
	server := Start(t)
	held := server.Hold(JSON{})
	answers := start(t, server.URL, packets)
	held.Arrived(2)
	held.Release("B", "A")
	want := []string{
		`{"request_id":"B","data":{"Hub":{"id":"2"}}}`,
		`{"request_id":"A","data":{"Door":{"id":"1"}}}`,
	}
	if got := answers(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnAnswerIsMissing(t *testing.T) {
	server := Start(t, "--delay=0")
	server.AddRule(JSON{"match": JSON{"id": "A"}, "fault": "drop"})
	answers := start(t, server.URL, packets)()
	if len(answers) != 1 {
		t.Errorf("got %s, want one answer", answers)
	}
	var outcomes []string
	for _, request := range server.Requests("") {
		outcomes = append(outcomes, fmt.Sprint(request.ID, " ", request.Outcome))
	}
	if want := []string{"A dropped", "B answered"}; !reflect.DeepEqual(outcomes, want) {
		t.Errorf("got %s, want %s", outcomes, want)
	}
}

func TestAnHourTakesNoTime(t *testing.T) {
	server := Start(t, "--clock=manual", "--delay=1h")
	answers := start(t, server.URL, packets)
	server.Received(2)
	server.Advance(time.Hour)
	if got := answers(); len(got) != 2 {
		t.Errorf("got %s, want two answers", got)
	}
}
