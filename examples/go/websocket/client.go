package websocket

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
)

// A Client sends requests over one connection, and finds the request of each answer by its id.
type Client struct {
	socket   *websocket.Conn
	mutex    sync.Mutex // guards all below, and writing to the socket
	lastID   int
	inFlight map[string]chan<- answer // nil when the connection is closed
}

// Dial connects to a server.
func Dial(url string) (*Client, error) {
	socket, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		return nil, err
	}
	client := &Client{socket: socket, inFlight: map[string]chan<- answer{}}
	go client.read()
	return client, nil
}

// Request returns the converted data, as JSON. It may be called from several goroutines.
func (c *Client) Request(ctx context.Context, data string) (string, error) {
	answers := make(chan answer, 1)
	id, err := c.send(data, answers)
	if err != nil {
		return "", err
	}
	select {
	case answer, isOpen := <-answers:
		if !isOpen {
			return "", errors.New("connection lost")
		}
		if answer.Error != nil {
			return "", errors.New(answer.Error.Code)
		}
		return string(answer.Data), nil
	case <-ctx.Done():
		c.take(id)
		return "", ctx.Err()
	}
}

// Close closes the connection; requests without an answer fail.
func (c *Client) Close() error {
	return c.socket.Close()
}

func (c *Client) send(data string, answers chan<- answer) (id string, err error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.inFlight == nil {
		return "", errors.New("the connection is closed")
	}
	c.lastID++
	id = strconv.Itoa(c.lastID)
	c.inFlight[id] = answers
	return id, c.socket.WriteJSON(request{ID: id, Data: data})
}

// take returns the channel of a request, which is then no longer in flight.
func (c *Client) take(id string) chan<- answer {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	answers := c.inFlight[id]
	delete(c.inFlight, id)
	return answers
}

func (c *Client) read() {
	for {
		var answer answer
		if c.socket.ReadJSON(&answer) != nil {
			break
		}
		if answers := c.take(answer.ID); answers != nil { // nil for a second answer
			answers <- answer
		}
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, answers := range c.inFlight {
		close(answers)
	}
	c.inFlight = nil
}
