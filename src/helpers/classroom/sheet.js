(function () {
  "use strict";
  // A drawing becomes a vector picture: it scales with the paper, and every browser prints it.
  var WIDTH = 860;
  var places = [].slice.call(document.querySelectorAll(".figure"));
  var work = places.map(function (place) {
    var figure = JSON.parse(document.getElementById(place.id + "-data").textContent), words = place.textContent;
    // Lists and sliders are of no use on paper; nor is the room that they took.
    var room = (figure.layout.meta && figure.layout.meta.room) || 0, height = (figure.layout.height || 440) - room;
    delete figure.layout.updatemenus;
    delete figure.layout.sliders;
    if (room) { figure.layout.margin.b -= room; }
    var layout = Object.assign({}, figure.layout, { width: WIDTH, height: height, autosize: false });
    return Plotly.toImage({ data: figure.data, layout: layout }, { format: "svg", width: WIDTH, height: height })
      .then(function (address) {
        var picture = document.createElement("img");
        picture.alt = words;
        picture.src = address;
        place.replaceChildren(picture);
        return picture.decode();
      });
  });
  Promise.all(work).then(function () { document.documentElement.dataset.ready = "yes"; });
})();
