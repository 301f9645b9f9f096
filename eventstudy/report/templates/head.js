"use strict";
try {
  const theme = localStorage.getItem("eventstudy-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch { /* without storage the page follows the system */ }
