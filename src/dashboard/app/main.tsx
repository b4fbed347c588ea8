/** The dashboard's entry in the browser. What the server has put there stays until the first answer is here, and where scripts are off. */
import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { queries } from "./deployment.ts";

const place = document.getElementById("app");
if (place !== null) {
  document.body.classList.add("app");
  createRoot(place).render(
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>,
  );
}
