#include "http/reply.hpp"

namespace jobd::http {

std::string_view reason(int status) {
  switch (status) {
  case 200: return "OK";
  case 201: return "Created";
  case 202: return "Accepted";
  case 400: return "Bad Request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 409: return "Conflict";
  case 413: return "Content Too Large";
  case 414: return "URI Too Long";
  case 415: return "Unsupported Media Type";
  case 417: return "Expectation Failed";
  case 422: return "Unprocessable Content";
  case 431: return "Request Header Fields Too Large";
  case 501: return "Not Implemented";
  case 503: return "Service Unavailable";
  case 505: return "HTTP Version Not Supported";
  default: return "Internal Server Error";
  }
}

std::string last_answer(const reply& r) {
  auto text = "HTTP/1.1 " + std::to_string(r.status) + ' ' + std::string{reason(r.status)};
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.append("\r\n").append(name).append(": ").append(value);
  };
  add("Connection", "close");
  add("Content-Length", std::to_string(r.body.size()));
  add("Content-Type", r.content_type);
  for (const auto& [name, value] : r.headers)
    add(name, value);
  return text.append("\r\n\r\n").append(r.body);
}

} // namespace jobd::http
