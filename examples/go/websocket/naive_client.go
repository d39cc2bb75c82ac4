package websocket

import (
	"context"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
)

// A NaiveClient takes each answer for that of the oldest request. That works until the server
// answers in another order.
type NaiveClient struct {
	socket  *websocket.Conn
	mutex   sync.Mutex // guards lastID, and keeps requests in the order of their channels
	lastID  int
	waiting chan chan<- answer
}

// DialNaive connects to a server.
func DialNaive(url string) (*NaiveClient, error) {
	socket, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		return nil, err
	}
	client := &NaiveClient{socket: socket, waiting: make(chan chan<- answer, 100)}
	go client.read()
	return client, nil
}

// Request returns the converted data, as JSON. It may be called from several goroutines.
func (c *NaiveClient) Request(ctx context.Context, data string) (string, error) {
	answers := make(chan answer, 1)
	if err := c.send(data, answers); err != nil {
		return "", err
	}
	select {
	case answer := <-answers:
		return string(answer.Data), nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Close closes the connection.
func (c *NaiveClient) Close() error {
	return c.socket.Close()
}

func (c *NaiveClient) send(data string, answers chan<- answer) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.waiting <- answers
	c.lastID++
	return c.socket.WriteJSON(request{ID: strconv.Itoa(c.lastID), Data: data})
}

func (c *NaiveClient) read() {
	for {
		var answer answer
		if c.socket.ReadJSON(&answer) != nil {
			return
		}
		(<-c.waiting) <- answer
	}
}
